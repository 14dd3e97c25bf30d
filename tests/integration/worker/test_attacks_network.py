"""Attempts to reach other machines, by the service's owner."""

import pytest

from tests.integration.worker.attack import ABSENT, DENIED, FIXED, Attempts, hold
from tests.integration.worker.service import Service

ADDRESS = "'http://127.0.0.1:9/x'"

BY_TABLE_FUNCTION = Attempts(
    [
        (f"SELECT * FROM url({ADDRESS})", DENIED),
        (f"SELECT * FROM URL({ADDRESS})", DENIED),
        (f"SELECT * FROM urlCluster('c', {ADDRESS})", DENIED),
        (f"SELECT * FROM s3({ADDRESS})", DENIED),
        (f"SELECT * FROM gcs({ADDRESS})", DENIED),
        (f"SELECT * FROM azureBlobStorage({ADDRESS}, 'c', 'p')", DENIED),
        (f"SELECT * FROM hdfs({ADDRESS}, 'CSV')", DENIED),
        (f"SELECT * FROM iceberg({ADDRESS})", DENIED),
        (f"SELECT * FROM deltaLake({ADDRESS})", DENIED),
        (f"SELECT * FROM hudi({ADDRESS})", DENIED),
        (f"SELECT * FROM paimon({ADDRESS})", DENIED),
        ("SELECT * FROM remote('127.0.0.1', system.one)", DENIED),
        ("SELECT * FROM remoteSecure('127.0.0.1', system.one)", DENIED),
        ("SELECT * FROM cluster('default', system.one)", DENIED),
        ("SELECT * FROM clusterAllReplicas('default', system.one)", DENIED),
        ("SELECT 1 WHERE 1 IN (SELECT * FROM mysql('a', 'b', 'c', 'd', 'e'))", DENIED),
        ("SELECT * FROM postgresql('a', 'b', 'c', 'd', 'e')", DENIED),
        ("SELECT * FROM mongodb('a', 'b', 'c', 'd', 'e', 'f')", DENIED),
        ("SELECT * FROM redis('a', 'b', 'c')", DENIED),
        ("SELECT * FROM odbc('a', 'b', 'c')", DENIED),
        ("SELECT * FROM jdbc('a', 'b')", DENIED),
        ("SELECT * FROM bigquery('a', 'b', 'c')", DENIED),
        (f"SELECT * FROM numbers(1) AS n JOIN url({ADDRESS}) AS u ON 1", DENIED),
        (f"WITH u AS (SELECT * FROM url({ADDRESS})) SELECT * FROM u", DENIED),
        (f"CREATE TABLE n AS url({ADDRESS})", DENIED),
        (f"DESCRIBE url({ADDRESS})", DENIED),
        (f"INSERT INTO FUNCTION url({ADDRESS}) SELECT 1", DENIED),
    ],
    [
        "SELECT url FROM (SELECT 'http://x/' AS url)",
        "SELECT domain('http://x.test/'), cutURLParameter('http://x/?a=1', 'a')",
        "SELECT * FROM numbers(3) AS n JOIN numbers(3) AS m ON n.number = m.number",
        "DESCRIBE numbers(1)",
    ],
)

BY_ENGINE = Attempts(
    [
        *(
            (f"CREATE TABLE n (a Int) ENGINE = {engine}", DENIED)
            for engine in (
                f"URL({ADDRESS})",
                f"S3({ADDRESS})",
                f"S3Queue({ADDRESS})",
                "Kafka('b', 't', 'g', 'CSV')",
                "MySQL('a', 'b', 'c', 'd', 'e')",
                "PostgreSQL('a', 'b', 'c', 'd', 'e')",
                "Redis('a')",
                "Distributed('c', 'd', 't')",
                "Remote('a', 'b', 'c')",
                f"IcebergS3({ADDRESS})",
                f"DeltaLake({ADDRESS})",
            )
        ),
        ("CREATE DATABASE n ENGINE = MySQL('a', 'b', 'c', 'd')", DENIED),
        ("CREATE DATABASE n ENGINE = PostgreSQL('a', 'b', 'c', 'd')", DENIED),
        ("CREATE DATABASE n ENGINE = DataLakeCatalog('http://x')", DENIED),
        ("CREATE DATABASE n ENGINE = Replicated('/a', 'b', 'c')", DENIED),
        ("CREATE TABLE n (a Int) ENGINE = ReplicatedMergeTree('/a', 'b') ORDER BY a", DENIED),
        ("CREATE TABLE n (a Int) ENGINE = KeeperMap('/a') PRIMARY KEY a", DENIED),
        ("CREATE NAMED COLLECTION c AS url = 'http://x'", DENIED),
        (
            "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(HTTP(URL 'http://x')) LAYOUT(FLAT()) LIFETIME(0)",
            ABSENT,
        ),
        ("CREATE TABLE n ON CLUSTER c (a Int) ENGINE = Memory", ABSENT),
        ("ALTER TABLE n ON CLUSTER c ADD COLUMN b Int", ABSENT),
        ("DROP TABLE n ON CLUSTER c", ABSENT),
        ("KILL QUERY ON CLUSTER c WHERE 1", ABSENT),
        ("BACKUP TABLE t TO S3('http://x', 'a', 'b')", DENIED),
    ],
    ["CREATE TABLE network (url String) ENGINE = MergeTree ORDER BY url", "DROP TABLE network"],
)

BY_FUNCTION_AND_SETTING = Attempts(
    [
        ("SELECT aiGenerate('x')", DENIED),
        ("SELECT AIClassify('x', ['y'])", DENIED),
        ("SELECT arrayMap(aiEmbed, ['x'])", DENIED),
        ("SELECT 1 FORMAT AvroConfluent", DENIED),
        ("SELECT formatRow('AvroConfluent', 1)", DENIED),
        ("SELECT * FROM format(AvroConfluent, 'x')", DENIED),
        ("SELECT generateSerialID('x')", DENIED),
        ("SELECT zookeeperSessionUptime()", DENIED),
        ("SELECT dictGet('d', 'a', 1)", DENIED),
        ("SET format_avro_schema_registry_url = 'http://x'", FIXED),
        ("SET s3_base = 'http://x'", FIXED),
        ("SET url_base = 'http://x'", FIXED),
        ("SET http_max_tries = 10", FIXED),
        ("SET max_http_get_redirects = 10", FIXED),
        ("SET allow_experimental_database_iceberg = 1", FIXED),
        ("SET ai_function_allow_insecure_endpoint = 1", FIXED),
        ("SET s3_allow_server_credentials_in_user_queries = 1", FIXED),
        ("SET allow_unrestricted_reads_from_keeper = 1", FIXED),
        ("SET cluster_for_parallel_replicas = 'default'", FIXED),
        ("SYSTEM RELOAD DICTIONARIES", DENIED),
        ("SYSTEM DROP DNS CACHE", DENIED),
        ("SYSTEM START LISTEN HTTP", DENIED),
    ],
    [
        "SELECT 1 FORMAT Avro",
        "SET prefer_localhost_replica = 1, insert_distributed_sync = 1, connect_timeout = 2",
        "SELECT IPv4NumToString(toUInt32(16909060))",
    ],
)


@pytest.mark.parametrize(
    "attempts", [BY_TABLE_FUNCTION, BY_ENGINE, BY_FUNCTION_AND_SETTING], ids=["function", "engine", "setting"]
)
def test_nothing_reaches_the_network(service: Service, attempts: Attempts) -> None:
    hold(service, attempts)
