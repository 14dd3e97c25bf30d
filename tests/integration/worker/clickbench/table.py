"""ClickBench's table `hits` for ClickHouse: the benchmark's columns and key, in our own writing."""

COLUMNS = {
    "DateTime": "EventTime ClientEventTime LocalEventTime",
    "Date": "EventDate",
    "Int64": "WatchID UserID FUniqID ParamPrice RefererHash URLHash",
    "Int32": (
        "CounterID ClientIP RegionID RefererRegionID URLRegionID IPNetworkID SilverlightVersion3 CodeVersion HID "
        "RemoteIP WindowName OpenerName SendTiming DNSTiming ConnectTiming ResponseStartTiming ResponseEndTiming "
        "FetchTiming CLID"
    ),
    "Int16": (
        "JavaEnable GoodEvent CounterClass OS UserAgent IsRefresh RefererCategoryID URLCategoryID ResolutionWidth "
        "ResolutionHeight ResolutionDepth FlashMajor FlashMinor NetMajor NetMinor UserAgentMajor CookieEnable "
        "JavascriptEnable IsMobile MobilePhone TraficSourceID SearchEngineID AdvEngineID IsArtifical WindowClientWidth "
        "WindowClientHeight ClientTimeZone SilverlightVersion1 SilverlightVersion2 SilverlightVersion4 IsLink "
        "IsDownload IsNotBounce IsOldCounter IsEvent IsParameter DontCountHits WithHash Age Sex Income Interests "
        "Robotness HistoryLength HTTPError SocialSourceNetworkID ParamCurrencyID HasGCLID"
    ),
    "String": (
        "Title URL Referer FlashMinor2 UserAgentMinor MobilePhoneModel Params SearchPhrase PageCharset OriginalURL "
        "HitColor BrowserLanguage BrowserCountry SocialNetwork SocialAction SocialSourcePage ParamOrderID "
        "ParamCurrency OpenstatServiceName OpenstatCampaignID OpenstatAdID OpenstatSourceID UTMSource UTMMedium "
        "UTMCampaign UTMContent UTMTerm FromTag"
    ),
}
KEY = ("CounterID", "EventDate", "UserID", "EventTime", "WatchID")


def create() -> str:
    """The statement that makes the table."""
    columns = [f"{name} {kind}" for kind, names in COLUMNS.items() for name in names.split()]
    return f"CREATE TABLE hits ({', '.join(columns)}) ENGINE = MergeTree ORDER BY ({', '.join(KEY)})"


def fill(rows: int) -> str:
    """The statement that fills it with rows of which some answer every question."""
    values = {
        "WatchID": "number",
        "UserID": "if(number % 50 = 0, 435090932899640449, number % 97)",
        "CounterID": "if(number % 2 = 0, 62, number % 7)",
        "ClientIP": "number % 1000",
        "RegionID": "number % 11",
        "EventTime": "toDateTime('2013-07-01 00:00:00') + number * 60",
        "EventDate": "toDate('2013-07-01') + number % 31",
        "URL": "concat('http://', if(number % 3 = 0, 'google', 'example'), '.test/', toString(number % 20))",
        "Referer": "concat('https://www.site', toString(number % 5), '.test/page')",
        "Title": "if(number % 4 = 0, 'About Google', 'A page')",
        "SearchPhrase": "if(number % 5 = 0, '', concat('phrase ', toString(number % 13)))",
        "MobilePhoneModel": "if(number % 6 = 0, 'model', '')",
        "ResolutionWidth": "1024 + number % 9",
        "AdvEngineID": "number % 3",
        "SearchEngineID": "number % 4",
        "TraficSourceID": "if(number % 2 = 0, 6, -1)",
        "IsLink": "number % 2 + 1",
        "RefererHash": "3594120000172545465",
        "URLHash": "2868770270353813622",
    }
    names, expressions = ", ".join(values), ", ".join(values.values())
    return f"INSERT INTO hits ({names}) SELECT {expressions} FROM numbers({rows})"
