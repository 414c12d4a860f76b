//! Pairs of failures as tools of several languages write them: the same failure twice, or two failures.

use hub_domain::ExternalId;

use super::{Error, defect_id, fingerprint, frames, signature, words};

fn id(text: &str) -> ExternalId {
    ExternalId::new(text).unwrap()
}

fn of<'a>(message: &'a str, details: &'a str) -> Error<'a> {
    let some = |text: &'a str| (!text.is_empty()).then_some(text);
    Error { test: "adds an item to the cart", error_type: None, message: some(message), details: some(details) }
}

#[track_caller]
fn same(one: Error<'_>, other: Error<'_>) {
    assert_eq!(fingerprint(&id("TC_1"), &one), fingerprint(&id("TC_1"), &other), "{one:?}\n{other:?}");
}

#[track_caller]
fn differ(one: Error<'_>, other: Error<'_>) {
    assert_ne!(fingerprint(&id("TC_1"), &one), fingerprint(&id("TC_1"), &other), "{one:?}\n{other:?}");
}

const PLAYWRIGHT: &str = "Error: expect(locator).toHaveText(expected)\n\nLocator: locator('#total')\nExpected string: \"12,50 €\"\nReceived string: \"13,75 €\"\nCall log:\n  - waiting for locator('#total') 5000ms\n\n  41 |   await cart.open();\n> 42 |   await expect(total).toHaveText('12,50 €');\n    at CartPage.total (/builds/runner/work/shop/tests/pages/cart.ts:88:11)\n    at /builds/runner/work/shop/tests/cart.spec.ts:42:23\n    at processTicksAndRejections (node:internal/process/task_queues:95:5)";

#[test]
fn playwright_on_another_machine_at_another_line_with_another_value() {
    let moved = PLAYWRIGHT
        .replace("/builds/runner/work/shop", "C:\\agent\\7\\s")
        .replace(":88:11", ":91:7")
        .replace("42", "57")
        .replace("41 |", "56 |")
        .replace("13,75 €", "9,00 €")
        .replace("5000ms", "7500ms");
    same(of("", PLAYWRIGHT), of("", &moved));
    let coloured = PLAYWRIGHT.replace("expect(", "\u{1b}[2mexpect(\u{1b}[22m");
    same(of("", PLAYWRIGHT), of("", &coloured));
    let titled =
        format!("  [Desktop Chrome] › cart.spec.ts:42:3 › Cart › adds an item to the cart ─────\n\n{PLAYWRIGHT}");
    same(of("", PLAYWRIGHT), of("cart.spec.ts:42:3 adds an item to the cart", &titled));
    differ(of("", PLAYWRIGHT), of("", &PLAYWRIGHT.replace("#total", "#tax")));
    differ(of("", PLAYWRIGHT), of("", &PLAYWRIGHT.replace("CartPage.total", "CartPage.tax")));
    differ(of("", PLAYWRIGHT), of("", &PLAYWRIGHT.replace("toHaveText", "toBeVisible")));
}

#[test]
fn java_with_and_without_its_frameworks_frames() {
    let own = "\tat com.example.shop.CartTest.adds(CartTest.java:42)\n";
    let one = format!(
        "org.opentest4j.AssertionFailedError: expected: <3> but was: <5>\n\tat org.junit.jupiter.api.AssertEquals.failNotEqual(AssertEquals.java:150)\n{own}\tat java.base/java.lang.reflect.Method.invoke(Method.java:568)"
    );
    let other = format!(
        "org.opentest4j.AssertionFailedError: expected: <3> but was: <17>\n\tat org.junit.platform.New.thing(New.java:1)\n{}\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)",
        own.replace("42", "51")
    );
    same(of("expected: <3> but was: <5>", &one), of("expected: <3> but was: <17>", &other));
    differ(
        of("expected: <3> but was: <5>", &one),
        of("expected: <3> but was: <5>", &one.replace("CartTest.adds", "CartTest.removes")),
    );
    let null =
        "java.lang.NullPointerException: Cannot invoke \"com.example.Cart.total()\" because \"this.cart\" is null";
    differ(
        of(null, own),
        of(
            "java.lang.NullPointerException: Cannot invoke \"com.example.User.name()\" because \"this.user\" is null",
            own,
        ),
    );
    let object = "Widget com.example.Widget@1f2e3d4c is stale";
    same(of(object, own), of("Widget com.example.Widget@7a8b9c0d is stale", own));
}

#[test]
fn python_with_its_short_and_long_traces() {
    let trace = "Traceback (most recent call last):\n  File \"/builds/ci/shop/tests/test_cart.py\", line 12, in test_total\n    assert cart.total() == 3\n  File \"/usr/lib/python3.11/site-packages/cart/__init__.py\", line 4, in total";
    same(
        of("KeyError: 'price'", trace),
        of("KeyError: 'price'", &trace.replace("/builds/ci", "/builds/99").replace("line 12", "line 15")),
    );
    differ(of("KeyError: 'price'", trace), of("KeyError: 'name'", trace));
    differ(of("KeyError: 'price'", trace), of("KeyError: 'price'", &trace.replace("test_total", "test_tax")));
    let short = "tests/test_cart.py:12: AssertionError";
    same(
        of("assert 4 == 3\n +  where 4 = total(<Cart object at 0x7f8a1c2d3e4f>)", short),
        of(
            "assert 9 == 3\n +  where 9 = total(<Cart object at 0x7f00aa11bb22>)",
            "tests/test_cart.py:33: AssertionError",
        ),
    );
    same(of("assert 'a b' == 'c d'", short), of("assert 'x y z' == 'c d'", short));
}

#[test]
fn dotnet_and_go() {
    let dotnet = "  Expected: 3\n  But was:  5\n   at Shop.Tests.Cart.Adds() in C:\\agent\\1\\Shop.Tests\\Cart.cs:line 17\n   at NUnit.Framework.Assert.That(Object actual)";
    same(
        of("", dotnet),
        of("", &dotnet.replace("agent\\1", "agent\\2").replace("line 17", "line 23").replace("5\n", "12\n")),
    );
    differ(of("", dotnet), of("", &dotnet.replace("Cart.Adds", "Cart.Removes")));
    let go = "    cart_test.go:42: total = 5, want 3";
    same(of("", go), of("", "    cart_test.go:57: total = 12, want 3"));
    differ(of("", go), of("", "    cart_test.go:42: tax = 5, want 3"));
    let panic = "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 35 [running]:\ntesting.tRunner.func1.2({0x52a4c0, 0x5a5f30})\n\t/usr/local/go/src/testing/testing.go:1526 +0x24e\nexample.com/shop.Total(...)\n\t/builds/ci/shop/cart.go:12 +0x1d";
    same(
        of("", panic),
        of(
            "",
            &panic
                .replace("goroutine 35", "goroutine 7")
                .replace("0x52a4c0", "0xc000124")
                .replace("cart.go:12", "cart.go:14"),
        ),
    );
}

#[test]
fn moments_ids_and_durations_do_not_tell_failures_apart() {
    for (one, other) in [
        (
            "Order 550e8400-e29b-41d4-a716-446655440000 not found",
            "Order 7d444840-9dc0-11d1-b245-5ffdce74fad2 not found",
        ),
        ("no answer since 2026-01-12T10:30:00.123Z", "no answer since 2025-12-31T23:59:59.999Z"),
        ("no answer since Mon Jan 12 2026 10:30:00", "no answer since Tue Mar 3 2026 01:02:03"),
        ("took 5230 ms, limit 5 s", "took 812 ms, limit 5 s"),
        ("took 1.2s", "took 350ms"),
        ("connect to 10.0.0.1:8080 failed", "connect to 192.168.7.22:41733 failed"),
        ("session a8Xk29dQ71bc ended", "session Zq81mmR02xyA ended"),
        ("commit 4b825dc642cb broke it", "commit 9fceb02d0ae5 broke it"),
        ("user 'anna 12' is not shown", "user 'bert 7' is not shown"),
    ] {
        assert_eq!(words::normalise(one), words::normalise(other));
    }
    for (one, other) in [
        ("button 'Pay' is not shown", "button 'Cancel' is not shown"),
        ("expected red", "expected blue"),
        ("locator('#a b 1')", "locator('#c d 1')"),
    ] {
        assert_ne!(words::normalise(one), words::normalise(other));
    }
}

#[test]
fn a_case_counts_and_a_signature_has_none() {
    let error = of("Cannot read properties of undefined (reading 'login')", "    at hooks.ts:12:3");
    assert_ne!(fingerprint(&id("TC_1"), &error), fingerprint(&id("TC_2"), &error));
    let elsewhere = of("Cannot read properties of undefined (reading 'login')", "    at other.ts:99:3");
    assert_eq!(signature(&error), signature(&elsewhere));
    assert_ne!(signature(&error), signature(&of("Cannot read properties of undefined (reading 'logout')", "")));
    let print = fingerprint(&id("TC_1"), &error);
    assert!(print.starts_with("f1:") && print.len() == 19, "{print}");
    assert_eq!(defect_id(&print).unwrap().as_str(), format!("auto-{}", print.trim_start_matches("f1:")));
}

#[test]
fn rules_of_a_version_do_not_change() {
    // Other values here mean other rules, which need another VERSION: existing defects would silently split.
    let error = of("", PLAYWRIGHT);
    let frames = frames::own(PLAYWRIGHT, 3);
    assert_eq!(frames, ["cartpage.total@cart.ts", "@cart.spec.ts"]);
    insta::assert_snapshot!(super::said(&error));
}

#[test]
fn nothing_and_anything_have_a_fingerprint() {
    assert!(!fingerprint(&id("TC_1"), &Error::default()).is_empty());
    for text in ["\u{1b}", "[", "[31", "'", "<", "at ", "File \"", "@:1:2", ":::", "\\", "#", "é'é'é", "at (", "a:1"]
    {
        let _ = fingerprint(&id("TC_1"), &of(text, text));
    }
}

proptest::proptest! {
    #[test]
    fn any_text_has_a_fingerprint_and_normalising_twice_changes_nothing_more(text in ".{0,200}") {
        let _ = fingerprint(&id("TC_1"), &of(&text, &text));
        let _ = words::normalise(&text);
    }
}
