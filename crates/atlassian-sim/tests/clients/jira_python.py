"""The PyPI package `jira`, unmodified, against a Jira Cloud site: REST v2 with plain-text bodies, as it does by default,
and then REST v3 with documents, which is one of its options.

usage: jira_python.py BASE_URL EMAIL TOKEN [PROJECT]
"""

from checks import arguments, check, equal, finish, refused
from jira import JIRA
from jira.exceptions import JIRAError

BASE, EMAIL, TOKEN, PROJECT, _, RUN = arguments()
BULK = f"{RUN}-bulk"


def jira_refuses(status):
    """The client's own error, for an answer with this status."""
    return refused(JIRAError, lambda error: error.status_code, status)


def fields(summary, **more):
    """A minimal issue, given by names as people do."""
    return {"project": {"key": PROJECT}, "issuetype": {"name": "Task"}, "summary": summary, **more}


def found(jql):
    """How many issues a query finds, over all pages."""
    return len(jira.search_issues(jql, maxResults=0, fields="summary"))


with check("the client connects, and the site says that it is Cloud, with a version"):
    jira = JIRA(BASE, basic_auth=(EMAIL, TOKEN), max_retries=0)
    equal(jira.deploymentType, "Cloud")
    assert len(jira._version) == 3 and all(isinstance(part, int) for part in jira._version)

with check("the account behind the token"):
    me = jira.myself()
    equal(me["emailAddress"], EMAIL)
    assert me["accountId"] and me["active"] is True

with check("a project by key and by id"):
    project = jira.project(PROJECT)
    equal(project.key, PROJECT)
    assert project.id.isdigit() and project.name
    equal(jira.project(project.id).key, PROJECT)
    assert project.self.startswith(f"{BASE}/rest/api/2/project/")

with check("a project that does not exist"):
    with jira_refuses(404) as refusal:
        jira.project("NOPE")
    assert "NOPE" in refusal.error.text

with check("the project's issue types by name"):
    equal(jira.issue_type_by_name("Bug", project=PROJECT).name, "Bug")
    assert jira.issue_type_by_name("Task", project=PROJECT).id.isdigit()

with check("an issue created by names comes back as it was sent"):
    first = jira.create_issue(
        project=PROJECT,
        issuetype="Task",
        summary=f"First of {RUN} ñ ✓",
        description="First paragraph.\n\nSecond paragraph.",
        labels=[RUN, "type:smoke"],
    )
    assert first.key.startswith(f"{PROJECT}-") and first.id.isdigit()
    equal(first.fields.summary, f"First of {RUN} ñ ✓")
    equal(first.fields.description, "First paragraph.\n\nSecond paragraph.")
    equal(sorted(first.fields.labels), sorted([RUN, "type:smoke"]))
    equal(first.fields.issuetype.name, "Task")
    equal(first.fields.project.key, PROJECT)
    assert first.fields.status.name and first.fields.created
    equal(first.permalink(), f"{BASE}/browse/{first.key}")

with check("an issue of another type, without a description"):
    second = jira.create_issue(fields(f"Second of {RUN}", issuetype={"name": "Bug"}, labels=[RUN]))
    equal(second.fields.issuetype.name, "Bug")
    assert second.fields.description is None
    assert int(second.id) > int(first.id)

with check("an issue without a summary is refused, and the message names the field"):
    with jira_refuses(400) as refusal:
        jira.create_issue(fields(""))
    assert "summary" in refusal.error.text.lower(), refusal.error.text

with check("a label with a space is refused"):
    with jira_refuses(400) as refusal:
        jira.create_issue(fields("label", labels=["two words"]))
    assert "two words" in refusal.error.text, refusal.error.text

with check("a field that is on no screen is refused"):
    with jira_refuses(400) as refusal:
        jira.create_issue(fields("unknown", customfield_99999="x"))
    assert "customfield_99999" in refusal.error.text, refusal.error.text

with check("a document instead of a string is refused by v2"):
    with jira_refuses(400) as refusal:
        jira.create_issue(fields("document", description={"type": "doc", "version": 1, "content": []}))
    assert "string" in refusal.error.text, refusal.error.text

with check("60 issues in two bulk calls, in order"):
    made = jira.create_issues(
        [fields(f"Bulk {number:02} of {RUN}", labels=[BULK]) for number in range(50)], prefetch=False
    ) + jira.create_issues([fields(f"Bulk {number:02} of {RUN}", labels=[BULK]) for number in range(50, 60)])
    equal([one["status"] for one in made], ["Success"] * 60)
    equal(len({one["issue"].key for one in made}), 60)
    for number in (0, 17, 49, 50, 59):
        equal(jira.issue(made[number]["issue"].key).fields.summary, f"Bulk {number:02} of {RUN}")

with check("a bulk call with one bad element creates the others"):
    before = found(f'project = {PROJECT} AND labels = "{RUN}-mixed"')
    mixed = jira.create_issues(
        [fields(f"Good {RUN}", labels=[f"{RUN}-mixed"]), fields(""), fields(f"Also {RUN}", labels=[f"{RUN}-mixed"])]
    )
    equal([one["status"] for one in mixed], ["Success", "Error", "Success"])
    assert "summary" in mixed[1]["error"], mixed[1]["error"]
    equal([mixed[0]["issue"].fields.summary, mixed[2]["issue"].fields.summary], [f"Good {RUN}", f"Also {RUN}"])
    equal(before, 0)
    equal(found(f'project = {PROJECT} AND labels = "{RUN}-mixed"'), 2)

with check("a bulk call with only bad elements creates nothing"):
    bad = jira.create_issues([fields(""), fields("bad label", labels=["a b"])])
    equal([one["status"] for one in bad], ["Error", "Error"])
    assert "summary" in bad[0]["error"] and "labels" in bad[1]["error"], bad

with check("an issue by id, with chosen fields only"):
    short = jira.issue(first.id, fields="summary,labels")
    equal(short.key, first.key)
    equal(sorted(short.raw["fields"]), ["labels", "summary"])

with check("an issue that does not exist"):
    with jira_refuses(404) as refusal:
        jira.issue(f"{PROJECT}-999999")
    assert "does not exist" in refusal.error.text

with check("a search over three pages, each issue once and in order"):
    jql = f'project = {PROJECT} AND labels = "{BULK}" ORDER BY created ASC, key ASC'
    pages, token = [], None
    while True:
        page = jira.enhanced_search_issues(jql, nextPageToken=token, maxResults=25, fields="summary,labels")
        pages.append([issue.fields.summary for issue in page])
        token = page.nextPageToken
        if not token:
            break
        assert len(pages) < 10, "the pages never end"
    equal([len(page) for page in pages], [25, 25, 10])
    equal(sum(pages, []), [f"Bulk {number:02} of {RUN}" for number in range(60)])

with check("a search that collects all, by GET and by POST"):
    jql = f"project = {PROJECT} AND labels = {BULK}"
    equal(len(jira.search_issues(jql, maxResults=0, fields=["summary"])), 60)
    posted = jira.search_issues(jql, maxResults=7, fields=["labels"], use_post=True)
    equal(len(posted), 7)
    assert all(issue.fields.labels == [BULK] for issue in posted)

with check("a search for keys, a count, and a query that finds nothing"):
    keys = jira.search_issues(f"key in ({first.key}, {second.key}) ORDER BY key ASC", fields="summary")
    equal([issue.key for issue in keys], [first.key, second.key])
    equal(jira.approximate_issue_count(f'project = {PROJECT} AND labels = "{BULK}"'), 60)
    equal(found(f'project = {PROJECT} AND labels = "{RUN}-nothing"'), 0)

with check("a search without a bound and a search for an unknown field are refused"):
    with jira_refuses(400):
        jira.search_issues("ORDER BY created DESC")
    with jira_refuses(400) as refusal:
        jira.search_issues("nosuchfield = 1")
    assert "nosuchfield" in refusal.error.text, refusal.error.text

with check("an update through fields"):
    first.update(fields={"summary": f"Changed {RUN}", "description": "Only one line now."})
    equal(first.fields.summary, f"Changed {RUN}")
    again = jira.issue(first.key)
    equal(again.fields.description, "Only one line now.")
    equal(sorted(again.fields.labels), sorted([RUN, "type:smoke"]))

with check("labels added and removed one by one, and set as a whole"):
    first.add_field_value("labels", "env:qa")
    equal(sorted(jira.issue(first.key).fields.labels), sorted([RUN, "type:smoke", "env:qa"]))
    first.update(update={"labels": [{"remove": "type:smoke"}]})
    equal(sorted(first.fields.labels), sorted([RUN, "env:qa"]))
    first.update(fields={"labels": [RUN, "platform:web"]})
    equal(sorted(jira.issue(first.key, fields="labels").fields.labels), sorted([RUN, "platform:web"]))

with check("an update that is refused changes nothing"):
    with jira_refuses(400) as refusal:
        first.update(fields={"summary": "x" * 256})
    assert "255" in refusal.error.text, refusal.error.text
    equal(jira.issue(first.key).fields.summary, f"Changed {RUN}")

with check("a link, seen from both issues, is made once however often it is sent"):
    for _ in range(2):
        equal(jira.create_issue_link("Blocks", inwardIssue=first.key, outwardIssue=second.key).status_code, 201)
    ours = jira.issue(first.key).fields.issuelinks
    equal([(link.type.name, link.outwardIssue.key) for link in ours], [("Blocks", second.key)])
    theirs = jira.issue(second.key).fields.issuelinks
    equal([(link.type.name, link.inwardIssue.key) for link in theirs], [("Blocks", first.key)])
    equal(jira.issue_link(ours[0].id).outwardIssue.key, second.key)

with check("a link by its inward text, deleted again"):
    other = made[0]["issue"]
    jira.create_issue_link("is blocked by", inwardIssue=second.key, outwardIssue=other.key)
    links = jira.issue(other.key).fields.issuelinks
    equal([link.outwardIssue.key for link in links], [second.key])
    jira.delete_issue_link(links[0].id)
    equal(jira.issue(other.key).fields.issuelinks, [])

with check("a link of an unknown type and a link to a missing issue"):
    with jira_refuses(404):
        jira.create_issue_link("No such type", inwardIssue=first.key, outwardIssue=second.key)
    with jira_refuses(404):
        jira.create_issue_link("Blocks", inwardIssue=first.key, outwardIssue=f"{PROJECT}-999999")

with check("comments: add, list, change, read"):
    comment = jira.add_comment(first.key, f"Seen in {RUN}")
    assert comment.id.isdigit() and comment.author.displayName
    equal([one.body for one in jira.comments(first.key)], [f"Seen in {RUN}"])
    comment.update(body=f"Seen twice in {RUN}")
    equal(jira.comment(first.key, comment.id).body, f"Seen twice in {RUN}")
    equal(len(jira.comments(first.key)), 1)

with check("properties: create, replace, list, read with the issue, miss"):
    equal(jira.add_issue_property(first.key, "qa.run", {"id": RUN, "n": [1, None]}).status_code, 201)
    equal(jira.add_issue_property(first.key, "qa.run", {"id": RUN, "n": [2, None]}).status_code, 200)
    equal(jira.issue_property(first.key, "qa.run").raw["value"], {"id": RUN, "n": [2, None]})
    equal([one.key for one in jira.issue_properties(first.key)], ["qa.run"])
    equal(jira.issue(first.key, properties="qa.run").raw["properties"], {"qa.run": {"id": RUN, "n": [2, None]}})
    with jira_refuses(404):
        jira.issue_property(first.key, "qa.none")

with check("a web link"):
    link = jira.add_simple_link(first.key, {"url": "https://example.com/report", "title": f"Report {RUN}"})
    equal([one.object.title for one in jira.remote_links(first.key)], [f"Report {RUN}"])
    equal(jira.remote_link(first.key, link.id).object.url, "https://example.com/report")

with check("a wrong token is nobody: no account, no project, no result, and nothing is created"):
    stranger = JIRA(BASE, basic_auth=(EMAIL, "wrong"), max_retries=0)
    with jira_refuses(401):
        stranger.myself()
    with jira_refuses(404):
        stranger.project(PROJECT)
    with jira_refuses(401):
        stranger.create_issue(fields("by a stranger", labels=[f"{RUN}-stranger"]))
    equal(found(f'project = {PROJECT} AND labels = "{RUN}-stranger"'), 0)

with check("v3: the client connects and finds the same project and issue"):
    v3 = JIRA(BASE, basic_auth=(EMAIL, TOKEN), max_retries=0, options={"rest_api_version": "3"})
    equal(v3.myself()["accountId"], me["accountId"])
    equal(v3.project(PROJECT).id, project.id)
    same = v3.issue(first.key)
    equal((same.id, same.fields.summary), (first.id, f"Changed {RUN}"))
    assert same.self.startswith(f"{BASE}/rest/api/3/issue/"), same.self

with check("v3: documents in description and comment, written and read"):
    document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": RUN}]}]}
    third = v3.create_issue(fields(f"Third of {RUN}", description=document, labels=[RUN]))
    equal(third.raw["fields"]["description"], document)
    comment = v3.add_comment(third.key, document)
    equal(comment.raw["body"], document)
    equal([one.raw["body"] for one in v3.comments(third.key)], [document])
    equal(jira.issue(third.key).fields.description, RUN)
    with jira_refuses(400) as refusal:
        v3.create_issue(fields("string", description="not a document"))
    assert "Atlassian Document" in refusal.error.text, refusal.error.text

with check("v3: bulk with a bad element, pages, an update, properties and a web link"):
    some = v3.create_issues([fields(f"v3 {n} of {RUN}", labels=[f"{RUN}-v3"]) for n in range(5)] + [fields("")])
    equal([one["status"] for one in some], ["Success"] * 5 + ["Error"])
    jql = f'project = {PROJECT} AND labels = "{RUN}-v3" ORDER BY key ASC'
    one = v3.enhanced_search_issues(jql, maxResults=3, fields="summary")
    two = v3.enhanced_search_issues(jql, maxResults=3, fields="summary", nextPageToken=one.nextPageToken)
    equal([issue.fields.summary for issue in [*one, *two]], [f"v3 {n} of {RUN}" for n in range(5)])
    assert two.nextPageToken is None
    equal(v3.approximate_issue_count(jql), 5)
    third.update(fields={"summary": f"Third changed {RUN}"}, update={"labels": [{"add": "env:qa"}]})
    equal((third.fields.summary, sorted(third.fields.labels)), (f"Third changed {RUN}", sorted([RUN, "env:qa"])))
    equal(v3.add_issue_property(third.key, "qa.run", [1, {"two": None}]).status_code, 201)
    equal(v3.issue_property(third.key, "qa.run").raw, {"key": "qa.run", "value": [1, {"two": None}]})
    v3.add_simple_link(third.key, {"url": "https://example.com/3", "title": "Three"})
    equal([link.object.title for link in v3.remote_links(third.key)], ["Three"])

finish()
