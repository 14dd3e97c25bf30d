"""ClickBench's 43 questions about `hits`, in its order, in our own writing: what each asks for is the benchmark's."""

_JULY = "CounterID = 62 AND EventDate BETWEEN '2013-07-01' AND '2013-07-31'"
_VISITORS = "count(DISTINCT UserID)"
_PHRASED = "SearchPhrase != ''"
_MODELLED = "MobilePhoneModel != ''"
_MINUTE = "dateTrunc('minute', EventTime)"
_SITE = r"replaceRegexpOne(Referer, '^https?://(?:www\\.)?([^/]+)/.*$', '\\1')"


def top(
    by: str, measures: str, *, where: str = "1", having: str = "1", order: str = "measure", limit: str = "10"
) -> str:
    """Groups with measures, the largest first; the first measure is called `measure` unless it has a name."""
    return (
        f"SELECT {by}, {measures} FROM hits WHERE {where} GROUP BY {_names(by)} HAVING {having} "
        f"ORDER BY {order} DESC LIMIT {limit}"
    )


def _names(by: str) -> str:
    return "ALL" if " AS " in by else by


COUNT = "count() AS measure"
EACH_IP = f"{COUNT}, sum(IsRefresh), avg(ResolutionWidth)"
QUESTIONS = (
    "SELECT count() FROM hits",
    "SELECT count() FROM hits WHERE AdvEngineID != 0",
    "SELECT sum(AdvEngineID), count(), avg(ResolutionWidth) FROM hits",
    "SELECT avg(UserID) FROM hits",
    f"SELECT {_VISITORS} FROM hits",
    "SELECT count(DISTINCT SearchPhrase) FROM hits",
    "SELECT min(EventDate), max(EventDate) FROM hits",
    top("AdvEngineID", COUNT, where="AdvEngineID != 0", limit="1000000"),
    top("RegionID", f"{_VISITORS} AS measure"),
    top("RegionID", f"sum(AdvEngineID), {COUNT}, avg(ResolutionWidth), {_VISITORS}"),
    top("MobilePhoneModel", f"{_VISITORS} AS measure", where=_MODELLED),
    top("MobilePhone, MobilePhoneModel", f"{_VISITORS} AS measure", where=_MODELLED),
    top("SearchPhrase", COUNT, where=_PHRASED),
    top("SearchPhrase", f"{_VISITORS} AS measure", where=_PHRASED),
    top("SearchEngineID, SearchPhrase", COUNT, where=_PHRASED),
    top("UserID", COUNT),
    top("UserID, SearchPhrase", COUNT),
    "SELECT UserID, SearchPhrase, count() FROM hits GROUP BY UserID, SearchPhrase LIMIT 10",
    top("UserID, EXTRACT(MINUTE FROM EventTime) AS minute, SearchPhrase", COUNT),
    "SELECT UserID FROM hits WHERE UserID = 435090932899640449",
    "SELECT count() FROM hits WHERE URL LIKE '%google%'",
    top("SearchPhrase", f"min(URL), {COUNT}", where=f"URL LIKE '%google%' AND {_PHRASED}"),
    top(
        "SearchPhrase",
        f"min(URL), min(Title), {COUNT}, {_VISITORS}",
        where=f"Title LIKE '%Google%' AND URL NOT LIKE '%.google.%' AND {_PHRASED}",
    ),
    "SELECT * FROM hits WHERE URL LIKE '%google%' ORDER BY EventTime LIMIT 10",
    f"SELECT SearchPhrase FROM hits WHERE {_PHRASED} ORDER BY EventTime LIMIT 10",
    f"SELECT SearchPhrase FROM hits WHERE {_PHRASED} ORDER BY SearchPhrase LIMIT 10",
    f"SELECT SearchPhrase FROM hits WHERE {_PHRASED} ORDER BY EventTime, SearchPhrase LIMIT 10",
    top("CounterID", "avg(length(URL)) AS measure, count()", where="URL != ''", having="count() > 10", limit="25"),
    top(
        f"{_SITE} AS site",
        "avg(length(Referer)) AS measure, count(), min(Referer)",
        where="Referer != ''",
        having="count() > 10",
        limit="25",
    ),
    f"SELECT {', '.join(f'sum(ResolutionWidth + {added})' for added in range(90))} FROM hits",
    top("SearchEngineID, ClientIP", EACH_IP, where=_PHRASED),
    top("WatchID, ClientIP", EACH_IP, where=_PHRASED),
    top("WatchID, ClientIP", EACH_IP),
    top("URL", COUNT),
    f"SELECT 1, URL, {COUNT} FROM hits GROUP BY 1, URL ORDER BY measure DESC LIMIT 10",
    top("ClientIP, ClientIP - 1, ClientIP - 2, ClientIP - 3", COUNT),
    top("URL", COUNT, where=f"{_JULY} AND DontCountHits = 0 AND IsRefresh = 0 AND URL != ''"),
    top("Title", COUNT, where=f"{_JULY} AND DontCountHits = 0 AND IsRefresh = 0 AND Title != ''"),
    top("URL", COUNT, where=f"{_JULY} AND IsRefresh = 0 AND IsLink != 0 AND IsDownload = 0", limit="10 OFFSET 3"),
    top(
        "TraficSourceID, SearchEngineID, AdvEngineID, "
        "CASE WHEN SearchEngineID = 0 AND AdvEngineID = 0 THEN Referer ELSE '' END AS source, URL AS target",
        COUNT,
        where=f"{_JULY} AND IsRefresh = 0",
        limit="10 OFFSET 3",
    ),
    top(
        "URLHash, EventDate",
        COUNT,
        where=f"{_JULY} AND IsRefresh = 0 AND TraficSourceID IN (-1, 6) AND RefererHash = 3594120000172545465",
        limit="10 OFFSET 3",
    ),
    top(
        "WindowClientWidth, WindowClientHeight",
        COUNT,
        where=f"{_JULY} AND IsRefresh = 0 AND DontCountHits = 0 AND URLHash = 2868770270353813622",
    ),
    (
        f"SELECT {_MINUTE} AS minute, count() FROM hits WHERE CounterID = 62 AND EventDate BETWEEN '2013-07-14' AND "
        f"'2013-07-15' AND IsRefresh = 0 AND DontCountHits = 0 GROUP BY {_MINUTE} ORDER BY {_MINUTE} LIMIT 10 OFFSET 3"
    ),
)
