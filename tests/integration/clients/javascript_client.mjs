// npm @clickhouse/client against a worker, with each way of compressing. Arguments: port; the password comes on
// standard input. Prints one JSON object: what was seen, by name.
import { createClient } from "@clickhouse/client";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";

const url = `http://127.0.0.1:${process.argv[2]}`;
const password = readFileSync(0, "utf8").trim();
const SLOW = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))";

function client(options = {}) {
  return createClient({ url, username: "default", password, ...options });
}

async function failure(act) {
  try {
    await act();
    return null;
  } catch (error) {
    return { code: error.code ?? null, type: error.type ?? null, message: error.message };
  }
}

async function text(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString();
}

async function rowsOf(result) {
  let rows = 0;
  for await (const chunk of result.stream()) rows += chunk.length;
  return rows;
}

function* numbered(first, last) {
  for (let n = first; n < last; n++) yield { n, s: "streamed" };
}

async function questions(db) {
  const seen = {};
  const ask = async (format, query = "SELECT toUInt8(number) AS n, 'x' AS s FROM numbers(2)") =>
    db.query({ query, format });
  seen.ping = (await db.ping()).success;
  seen.pingWithQuery = (await db.ping({ select: true })).success;
  seen.json = await (await ask("JSON")).json().then((found) => ({ data: found.data, rows: found.rows }));
  seen.compact = (await (await ask("JSONCompact")).json()).data;
  seen.eachRow = await (await ask("JSONEachRow")).json();
  seen.compactEachRow = await (await ask("JSONCompactEachRowWithNames")).json();
  seen.csv = await (await ask("CSVWithNames")).text();
  seen.tsv = await (await ask("TabSeparated")).text();
  seen.parquet = (await text((await db.exec({ query: "SELECT 1 FORMAT Parquet" })).stream)).slice(0, 4);
  seen.streamed = await rowsOf(await ask("JSONEachRow", "SELECT number FROM numbers(200000)"));
  seen.streamedCsv = await rowsOf(await ask("CSV", "SELECT number FROM numbers(200000)"));
  const asked = await db.query({
    query: "SELECT {a:UInt8} + 1 AS b, {s:String} AS s, {l:Array(String)} AS l, {n:Nullable(UInt8)} AS n, {o:Bool} AS o",
    query_params: { a: 4, s: "x\t'y\\\n", l: ["p", "q'"], n: null, o: true },
    format: "JSONEachRow",
  });
  seen.parameters = await asked.json();
  const set = await db.query({
    query: "SELECT toUInt32(getSetting('max_block_size')) AS m",
    clickhouse_settings: { max_block_size: "777" },
    format: "JSONEachRow",
  });
  seen.setting = await set.json();
  const named = await db.query({ query: "SELECT 1", query_id: `node-${Math.random()}` });
  seen.queryId = named.query_id.startsWith("node-");
  seen.server = named.response_headers["x-clickhouse-server-display-name"].length > 0;
  await named.text();
  return seen;
}

async function inserts(db, table) {
  const seen = {};
  await db.command({ query: `CREATE TABLE ${table} (n UInt32, s String) ENGINE = MergeTree ORDER BY n` });
  const values = [{ n: 1, s: "a" }, { n: "2", s: "it's" }];
  const first = await db.insert({ table, values, format: "JSONEachRow" });
  seen.written = first.summary.written_rows;
  await db.insert({ table, values: [[3, "c"]], format: "JSONCompactEachRow" });
  await db.insert({ table, values: [[4, "d"]], columns: ["n", "s"], format: "JSONCompactEachRow" });
  await db.insert({ table, values: Readable.from(["5,e\n", "6,f\n"], { objectMode: false }), format: "CSV" });
  await db.insert({ table, values: Readable.from(numbered(10, 100010)), format: "JSONEachRow" });
  await db.command({ query: `INSERT INTO ${table} SELECT 7, 'g'` });
  const counted = await db.query({ query: `SELECT toUInt32(count()) AS c, toString(sum(n)) AS t FROM ${table}`, format: "JSONEachRow" });
  seen.counted = await counted.json();
  seen.wrongRow = await failure(() => db.insert({ table, values: [{ n: "x" }], format: "JSONEachRow" }));
  seen.summary = Number((await db.command({ query: `INSERT INTO ${table} SELECT 8, 'h'` })).summary.written_rows);
  return seen;
}

async function progress(db) {
  const seen = { rows: 0, progress: 0 };
  const result = await db.query({
    query: "SELECT number, sleepEachRow(0.1) FROM numbers(10)",
    format: "JSONEachRowWithProgress",
    clickhouse_settings: { max_block_size: "1" },
  });
  for await (const chunk of result.stream()) {
    for (const row of chunk) {
      const event = row.json();
      if ("row" in event) seen.rows += 1;
      if ("progress" in event) seen.progress += 1;
      if ("exception" in event) seen.exception = event.exception;
    }
  }
  return seen;
}

async function failures(db) {
  const seen = {};
  seen.table = await failure(() => db.query({ query: "SELECT * FROM nothing" }));
  seen.syntax = await failure(() => db.command({ query: "SELEC" }));
  seen.refused = await failure(() => db.exec({ query: "SELECT * FROM file('/etc/passwd')" }));
  seen.setting = await failure(() => db.query({ query: "SELECT 1", clickhouse_settings: { no_such_setting: 1 } }));
  seen.late = await failure(async () => {
    const query = "SELECT throwIf(number = 2900000) AS t, number FROM numbers(3000000)";
    const late = await db.query({ query, format: "JSONEachRow", clickhouse_settings: { max_block_size: "65536" } });
    await rowsOf(late);
  });
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 300);
  seen.aborted = await failure(() => db.query({ query: SLOW, query_id: "node-aborted", abort_signal: abort.signal }));
  const left = "SELECT toUInt8(count()) AS c FROM system.processes WHERE query_id = 'node-aborted'";
  for (let tries = 0; tries < 50; tries++) {
    const rows = await (await db.query({ query: left, format: "JSONEachRow" })).json();
    seen.left = rows[0].c;
    if (seen.left === 0) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  return seen;
}

async function sessions() {
  const db = client({ session_id: "node-session", max_open_connections: 1 });
  await db.command({ query: "CREATE TEMPORARY TABLE kept (n UInt8)" });
  await db.insert({ table: "kept", values: [{ n: 1 }, { n: 2 }], format: "JSONEachRow" });
  const rows = await (await db.query({ query: "SELECT toUInt8(sum(n)) AS t FROM kept", format: "JSONEachRow" })).json();
  await db.close();
  const other = client();
  const unseen = await failure(() => other.query({ query: "SELECT * FROM kept" }));
  await other.close();
  return { rows, unseen };
}

async function together(db) {
  const began = Date.now();
  const asked = Array.from({ length: 8 }, (_, n) =>
    db.query({ query: `SELECT ${n} AS n, sleep(0.5)`, format: "JSONEachRow" }).then((result) => result.json()),
  );
  const numbers = (await Promise.all(asked)).map((rows) => rows[0].n);
  return { numbers, quick: Date.now() - began < 3000 };
}

const seen = {};
for (const [name, request, response] of [["plain", false, false], ["answers", false, true], ["both", true, true]]) {
  const db = client({ compression: { request, response } });
  seen[name] = { questions: await questions(db), inserts: await inserts(db, `node_${name}`), failures: await failures(db) };
  await db.close();
}
const db = client();
seen.progress = await progress(db);
seen.together = await together(db);
await db.close();
seen.sessions = await sessions();
const stranger = client({ password: "wrong" });
seen.stranger = await failure(() => stranger.query({ query: "SELECT 1" }));
seen.strangersPing = (await stranger.ping({ select: true })).success;
await stranger.close();
console.log(JSON.stringify(seen));
