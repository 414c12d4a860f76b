"""The PyPI package `atlassian-python-api`, unmodified: its Jira clients (v2 and v3) and its Confluence clients (v2, v1 labels).

usage: atlassian_python.py BASE_URL EMAIL TOKEN [PROJECT] [SPACE]
"""

import logging
import warnings

from checks import arguments, check, equal, finish, refused

warnings.simplefilter("ignore", DeprecationWarning)  # the package deprecates its own v1 methods, which labels need

from atlassian import Confluence, Jira, JiraCloud  # noqa: E402
from atlassian.errors import ApiError  # noqa: E402
from requests import HTTPError  # noqa: E402

BASE, EMAIL, TOKEN, PROJECT, SPACE, RUN = arguments()
BULK = f"{RUN}-bulk"
logging.disable(logging.CRITICAL)  # it logs every refusal that a check expects


def refuses(status):
    """The client's own error, for an answer with this status."""
    return refused(HTTPError, lambda error: error.response.status_code, status)


def fields(summary, **more):
    """A minimal issue, given by names as people do."""
    return {"project": {"key": PROJECT}, "issuetype": {"name": "Task"}, "summary": summary, **more}


def document(text):
    """A one-paragraph document as v3 wants it."""
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}


# --- Jira, the client that most scripts use: REST v2, search on v3 ----------------------------------------------------

jira = Jira(BASE, username=EMAIL, password=TOKEN, cloud=True)

with check("the account behind the token"):
    equal(jira.myself()["emailAddress"], EMAIL)

with check("a project by key, with its issue types"):
    project = jira.project(PROJECT, expand="issueTypes")
    equal(project["key"], PROJECT)
    assert {"Task", "Bug"} <= {kind["name"] for kind in project["issueTypes"]}
    equal(jira.project(project["id"])["key"], PROJECT)

with check("a project that does not exist"):
    with refuses(404) as refusal:
        jira.project("NOPE")
    assert "NOPE" in str(refusal.error)

with check("an issue comes back as it was sent"):
    first = jira.create_issue(
        fields(f"First of {RUN} ñ ✓", description="One paragraph.\n\nAnother.", labels=[RUN, "type:smoke"])
    )
    read = jira.get_issue(first["key"])
    equal(read["id"], first["id"])
    equal(read["fields"]["summary"], f"First of {RUN} ñ ✓")
    equal(read["fields"]["description"], "One paragraph.\n\nAnother.")
    equal(sorted(read["fields"]["labels"]), sorted([RUN, "type:smoke"]))
    second = jira.issue_create(fields(f"Second of {RUN}", issuetype={"name": "Bug"}))
    equal(jira.issue_field_value(second["key"], "issuetype")["name"], "Bug")

with check("an issue without a summary is refused"):
    with refuses(400) as refusal:
        jira.create_issue(fields(""))
    assert "summary" in str(refusal.error), refusal.error

with check("60 issues in two bulk calls"):
    made = []
    for numbers in (range(50), range(50, 60)):
        answer = jira.create_issues([{"fields": fields(f"Bulk {n:02} of {RUN}", labels=[BULK])} for n in numbers])
        equal(answer["errors"], [])
        made += answer["issues"]
    equal(len({one["key"] for one in made}), 60)
    equal(jira.issue_field_value(made[49]["key"], "summary"), f"Bulk 49 of {RUN}")
    equal(jira.issue_field_value(made[50]["key"], "summary"), f"Bulk 50 of {RUN}")

with check("a bulk call with one bad element creates the others and says which failed"):
    mixed = jira.create_issues(
        [{"fields": fields(f"Good {RUN}")}, {"fields": fields("")}, {"fields": fields(f"Also {RUN}")}]
    )
    equal(len(mixed["issues"]), 2)
    equal([error["failedElementNumber"] for error in mixed["errors"]], [1])
    assert "summary" in mixed["errors"][0]["elementErrors"]["errors"]
    equal(jira.issue_field_value(mixed["issues"][1]["key"], "summary"), f"Also {RUN}")

with check("51 issues in one call are refused and none is made"):
    with refuses(400):
        jira.create_issues([{"fields": fields("too many", labels=[f"{RUN}-51"])} for _ in range(51)])
    equal(jira.enhanced_jql_get_list_of_tickets(f'project = {PROJECT} AND labels = "{RUN}-51"', fields="summary"), [])

with check("a search over three pages"):
    jql = f'project = {PROJECT} AND labels = "{BULK}" ORDER BY created ASC, key ASC'
    pages, token = [], None
    while True:
        page = jira.enhanced_jql(jql, fields=["summary", "labels"], nextPageToken=token, limit=25)
        pages.append([issue["fields"]["summary"] for issue in page["issues"]])
        token = page.get("nextPageToken")
        equal(page["isLast"], token is None)
        if token is None:
            break
        assert len(pages) < 10, "the pages never end"
    equal([len(page) for page in pages], [25, 25, 10])
    equal(sum(pages, []), [f"Bulk {number:02} of {RUN}" for number in range(60)])

with check("a search that follows the pages by itself, and a count"):
    equal(len(jira.enhanced_jql_get_list_of_tickets(f"project = {PROJECT} AND labels = {BULK}")), 60)
    equal(jira.approximate_issue_count(f"project = {PROJECT} AND labels = {BULK}")["count"], 60)

with check("an unbounded search is refused"):
    with refuses(400):
        jira.enhanced_jql("ORDER BY created DESC")

with check("an update of fields, and of labels one by one"):
    jira.update_issue_field(first["key"], {"summary": f"Changed {RUN}"})
    equal(jira.issue(first["key"], fields="summary")["fields"], {"summary": f"Changed {RUN}"})
    jira.edit_issue(first["key"], {"labels": [{"add": "env:qa"}, {"remove": "type:smoke"}]})
    equal(sorted(jira.get_issue_labels(first["key"])), sorted([RUN, "env:qa"]))

with check("a link, seen from both issues"):
    jira.create_issue_link(
        {"type": {"name": "Relates"}, "inwardIssue": {"key": first["key"]}, "outwardIssue": {"key": second["key"]}}
    )
    [ours] = jira.issue_field_value(first["key"], "issuelinks")
    equal((ours["type"]["name"], ours["outwardIssue"]["key"]), ("Relates", second["key"]))
    [theirs] = jira.issue_field_value(second["key"], "issuelinks")
    equal(theirs["inwardIssue"]["key"], first["key"])
    equal(jira.get_issue_link(ours["id"])["outwardIssue"]["key"], second["key"])

with check("a comment"):
    jira.issue_add_comment(first["key"], f"Seen in {RUN}")
    page = jira.issue_get_comments(first["key"])
    equal((page["total"], [one["body"] for one in page["comments"]]), (1, [f"Seen in {RUN}"]))

with check("properties: set, list, read, miss"):
    jira.set_issue_property(first["key"], "qa.run", {"id": RUN})
    equal([one["key"] for one in jira.get_issue_property_keys(first["key"])["keys"]], ["qa.run"])
    equal(jira.get_issue_property(first["key"], "qa.run"), {"key": "qa.run", "value": {"id": RUN}})
    with refuses(404):
        jira.get_issue_property(first["key"], "qa.none")

with check("a web link by global id is made once and then replaced"):
    one = jira.create_or_update_issue_remote_links(first["key"], "https://example.com/1", "One", global_id=f"qa={RUN}")
    two = jira.create_or_update_issue_remote_links(first["key"], "https://example.com/2", "Two", global_id=f"qa={RUN}")
    equal(one["id"], two["id"])
    [link] = jira.get_issue_remote_links(first["key"])
    equal((link["globalId"], link["object"]["title"], link["object"]["url"]), (f"qa={RUN}", "Two", "https://example.com/2"))

# --- Jira, the newer client: REST v3 with documents ---------------------------------------------------------------------

cloud = JiraCloud(BASE, username=EMAIL, password=TOKEN)

with check("v3: a document and properties in one create, read back alike"):
    third = cloud.create_issue(
        data={
            "fields": fields(f"Third of {RUN}", description=document("As a document.")),
            "properties": [{"key": "qa.run", "value": {"id": RUN, "deep": {"n": 1}}}],
        }
    )
    read = cloud.get_issue(third["key"], properties="qa.run")
    equal(read["fields"]["description"], document("As a document."))
    equal(read["properties"], {"qa.run": {"id": RUN, "deep": {"n": 1}}})

with check("v3 and v2 show the same description, each in its form"):
    equal(jira.issue_field_value(third["key"], "description"), "As a document.")
    shown = cloud.get_issue(first["key"], fields="description")["fields"]["description"]
    equal(shown["type"], "doc")
    equal([block["content"][0]["text"] for block in shown["content"]], ["One paragraph.", "Another."])

with check("v3: a string where a document belongs is refused"):
    with refuses(400) as refusal:
        cloud.create_issue(data={"fields": fields("string", description="not a document")})
    assert "Atlassian Document" in str(refusal.error), refusal.error

with check("v3: an edit with property and labels, then a fetch of many"):
    cloud.edit_issue(
        third["key"],
        data={"fields": {"labels": [RUN]}, "properties": [{"key": "qa.run", "value": {"id": RUN, "edited": True}}]},
    )
    wanted = [one["key"] for one in made[:40]] + [third["id"], f"{PROJECT}-999999"]
    answer = cloud.bulk_fetch_issues(
        data={"issueIdsOrKeys": wanted, "fields": ["summary", "labels"], "properties": ["qa.run"]}
    )
    equal(len(answer["issues"]), 41)
    [ours] = [issue for issue in answer["issues"] if issue["id"] == third["id"]]
    equal(ours["fields"]["labels"], [RUN])
    equal(ours["properties"]["qa.run"], {"id": RUN, "edited": True})

with check("v3: creation metadata, read page by page"):
    types = cloud.get_create_issue_meta_issue_types(PROJECT, max_results=1)
    equal((len(types["issueTypes"]), types["startAt"]), (1, 0))
    assert types["total"] >= 2
    following = cloud.get_create_issue_meta_issue_types(PROJECT, start_at=1, max_results=1)
    assert following["issueTypes"][0]["id"] != types["issueTypes"][0]["id"]
    screen = cloud.get_create_issue_meta_issue_type_id(PROJECT, types["issueTypes"][0]["id"])
    by_id = {field["fieldId"]: field for field in screen["fields"]}
    equal((by_id["summary"]["required"], by_id["summary"]["schema"]["type"]), (True, "string"))

with check("Jira with a wrong token: no account, and nothing is created"):
    stranger = Jira(BASE, username=EMAIL, password="wrong", cloud=True)
    with refuses(401):
        stranger.myself()
    with refuses(401):
        stranger.create_issue(fields("by a stranger", labels=[f"{RUN}-stranger"]))
    equal(jira.enhanced_jql(f'project = {PROJECT} AND labels = "{RUN}-stranger"')["issues"], [])

# --- Confluence: REST v2, and the v1 client for labels ------------------------------------------------------------------

wiki = Confluence(f"{BASE}/wiki", username=EMAIL, password=TOKEN, cloud=True, api_version=2)
labels_v1 = Confluence(f"{BASE}/wiki", username=EMAIL, password=TOKEN)

with check("a space by key and by id"):
    space = wiki.get_space_by_key(SPACE)
    equal(space["key"], SPACE)
    assert space["id"].isdigit() and space["name"] and space["homepageId"].isdigit()
    equal(wiki.get_space(space["id"])["key"], SPACE)

with check("a space that does not exist"):
    try:
        wiki.get_space_by_key("NOPE")
    except ValueError as error:
        assert "NOPE" in str(error)
    else:
        raise AssertionError("an unknown space was found")
    with refuses(404):
        wiki.get_space("999999999")

with check("a page, its body, its first version"):
    page = wiki.create_page(space["id"], f"Parent {RUN} ñ ✓", "<p>Hello <strong>all</strong> &amp; every one</p>")
    assert page["id"].isdigit()
    equal((page["title"], page["spaceId"], page["version"]["number"]), (f"Parent {RUN} ñ ✓", space["id"], 1))
    read = wiki.get_page_by_id(page["id"], body_format="storage")
    equal(read["body"]["storage"]["representation"], "storage")
    assert "<strong>all</strong> &amp; every one" in read["body"]["storage"]["value"], read["body"]
    equal(wiki.get_page_id(SPACE, f"Parent {RUN} ñ ✓"), page["id"])

with check("five children, listed over three pages in order"):
    for number in range(5):
        child = wiki.create_page(space["id"], f"Child {number} {RUN}", f"<p>{number}</p>", parent_id=page["id"])
        equal(child["parentId"], page["id"])
    first_page = wiki.get(f"api/v2/pages/{page['id']}/direct-children", params={"limit": 2})
    equal(len(first_page["results"]), 2)
    assert "cursor=" in first_page["_links"]["next"]
    children = wiki.get_child_pages(page["id"], limit=2)
    equal([one["title"] for one in children], [f"Child {number} {RUN}" for number in range(5)])

with check("the pages of the space, listed over many pages, each once"):
    listed = wiki.get_pages(space_id=space["id"], body_format="storage", limit=2, sort="id")
    ids = [one["id"] for one in listed]
    equal(len(ids), len(set(ids)))
    equal(ids, sorted(ids, key=int))
    ours = [one for one in listed if RUN in one["title"]]
    equal(len(ours), 6)
    equal([one["body"]["storage"]["value"].count(str(n)) > 0 for n, one in enumerate(ours[1:])], [True] * 5)

with check("a title is taken only once in a space"):
    with refuses(400) as refusal:
        wiki.create_page(space["id"], f"Parent {RUN} ñ ✓", "<p>again</p>")
    assert "already exists" in refusal.error.response.text, refusal.error.response.text

with check("markup that is not well-formed is refused"):
    with refuses(400) as refusal:
        wiki.create_page(space["id"], f"Broken {RUN}", "<p>a & b<p>")
    equal(wiki.get_page_id(SPACE, f"Broken {RUN}"), None)

with check("an update raises the version, a stale one is refused"):
    changed = wiki.update_page(page["id"], f"Parent {RUN} ñ ✓", "<p>Second</p>", status="current", version=1)
    equal(changed["version"]["number"], 2)
    with refuses(409) as refusal:
        wiki.update_page(page["id"], f"Parent {RUN} ñ ✓", "<p>Stale</p>", status="current", version=1)
    assert "Current Version: [2]" in refusal.error.response.json()["errors"][0]["title"], refusal.error.response.text
    read = wiki.get_page_by_id(page["id"], body_format="storage")
    assert "Second" in read["body"]["storage"]["value"]
    equal((read["version"]["number"], read["version"]["message"]), (2, "Updated via Python API"))
    equal(len(wiki.get_child_pages(page["id"])), 5)

with check("labels: add, add again, list, remove"):
    labels_v1.set_page_label(page["id"], "qa-report")
    both = labels_v1.set_page_label(page["id"], RUN)
    equal(sorted(label["name"] for label in both["results"]), sorted(["qa-report", RUN]))
    labels_v1.set_page_label(page["id"], RUN)
    equal(sorted(label["name"] for label in wiki.get_page_labels(page["id"])), sorted(["qa-report", RUN]))
    equal(sorted(label["name"] for label in wiki.get_page_labels(page["id"], limit=1)), sorted(["qa-report", RUN]))
    labels_v1.remove_page_label(page["id"], "qa-report")
    equal([(label["prefix"], label["name"]) for label in wiki.get_page_labels(page["id"])], [("global", RUN)])

with check("a label on a page that does not exist"):
    try:
        labels_v1.set_page_label("999999999", "x")
    except ApiError as error:
        equal(error.reason.response.status_code, 404)
    else:
        raise AssertionError("an unknown page was labelled")

with check("page properties: create, change, a stale version and a second create are refused"):
    made_one = wiki.create_v2_content_property("page", page["id"], {"key": "qa.run", "value": {"id": RUN}})
    equal(made_one["version"]["number"], 1)
    change = {"key": "qa.run", "value": {"id": RUN, "n": 2}, "version": {"number": 2}}
    equal(wiki.update_v2_content_property("page", page["id"], made_one["id"], change)["version"]["number"], 2)
    with refuses(409):
        wiki.update_v2_content_property("page", page["id"], made_one["id"], change)
    with refuses(409):
        wiki.create_v2_content_property("page", page["id"], {"key": "qa.run", "value": {}})
    mine = [one for one in wiki.get_v2_content_properties("page", page["id"]) if one["key"] == "qa.run"]
    equal([one["value"] for one in mine], [{"id": RUN, "n": 2}])

with check("a page that does not exist, and a deleted page"):
    with refuses(404):
        wiki.get_page_by_id("999999999", body_format="storage")
    last = wiki.get_child_pages(page["id"])[-1]
    wiki.delete_page(last["id"])
    equal(len(wiki.get_child_pages(page["id"])), 4)

with check("Confluence with a wrong token reads and writes nothing"):
    stranger = Confluence(f"{BASE}/wiki", username=EMAIL, password="wrong", cloud=True, api_version=2)
    with refuses(401):
        stranger.create_page(space["id"], f"Stranger {RUN}", "<p>x</p>")
    with refuses(401):
        stranger.get_page_by_id(page["id"], body_format="storage")
    equal(wiki.get_page_id(SPACE, f"Stranger {RUN}"), None)

finish()
