//! What is found, what is left alone, and that a second pass finds nothing.

use proptest::prelude::*;

use super::{Found, Kind, text};

fn redacted(input: &str) -> (String, Found) {
    let mut found = Found::default();
    (text(input, &mut found).into_owned(), found)
}

#[track_caller]
fn becomes(input: &str, output: &str) {
    let (out, found) = redacted(input);
    assert_eq!(out, output, "of {input:?}");
    assert_eq!(found.is_empty(), input == output, "{found}");
    let (again, more) = redacted(&out);
    assert!(again == out && more.is_empty(), "a second time: {again:?}");
}

/// A number with a right check digit, made here so that none stands in the repository.
fn with_check_digit(begin: &str) -> String {
    (0..10)
        .map(|digit| format!("{begin}{digit}"))
        .find(|number| redacted(number).1.get(Kind::Card) == 1)
        .unwrap_or_else(|| panic!("no card begins with {begin}"))
}

fn grouped(number: &str, groups: &[usize], separator: &str) -> String {
    let mut rest = number;
    let parts: Vec<&str> = groups
        .iter()
        .map(|n| {
            let (part, tail) = rest.split_at(*n);
            rest = tail;
            part
        })
        .collect();
    parts.join(separator)
}

#[test]
fn cards_of_every_issuer_are_found_however_they_are_grouped() {
    for begin in [
        "411111111111111",
        "555555555555444",
        "222100000000000",
        "601111111111111",
        "353011133330000",
        "620000000000000",
    ] {
        let number = with_check_digit(begin);
        assert_eq!(number.len(), 16);
        becomes(&format!("pay with {number} now"), "pay with [card] now");
        for separator in [" ", "-", "\u{a0}"] {
            let spaced = grouped(&number, &[4, 4, 4, 4], separator);
            becomes(&format!("cvv 123 {spaced}, 12/27"), "cvv 123 [card], 12/27");
            becomes(&format!("{{\"pan\":\"{spaced}\"}}"), "{\"pan\":\"[card]\"}");
        }
        // One digit off is a number like any other.
        let last: u32 = number.chars().last().and_then(|c| c.to_digit(10)).unwrap();
        let wrong = format!("{begin}{}", (last + 1) % 10);
        becomes(&format!("order {wrong}"), &format!("order {wrong}"));
        // Part of a longer word or number it is none.
        becomes(&format!("sha a{number}b"), &format!("sha a{number}b"));
        becomes(&format!("0.{number}"), &format!("0.{number}"));
    }
    let amex = with_check_digit("37828224631000");
    becomes(&grouped(&amex, &[4, 6, 5], " "), "[card]");
    becomes(&amex, "[card]");
    becomes(&with_check_digit("400000000000"), "[card]");
    let row = format!("2026-01-12 {} and {}", with_check_digit("411111111111111"), with_check_digit("555555555555444"));
    becomes(&row, "2026-01-12 [card] and [card]");
}

#[test]
fn credentials_are_found_in_the_forms_that_tools_write() {
    let secret = ["hunt", "er2"].concat();
    let token = ["abcDEF", "0123456789", "ghiJKL"].concat();
    for (input, output) in [
        (
            format!("Authorization: Bearer {token}\nAccept: */*"),
            "Authorization: [authorization]\nAccept: */*".to_owned(),
        ),
        (format!("proxy-authorization: Basic {token}"), "proxy-authorization: [authorization]".into()),
        (
            format!("curl -H 'Authorization: Bearer {token}' -X GET"),
            "curl -H 'Authorization: [authorization]' -X GET".into(),
        ),
        (
            format!("{{\"Authorization\": \"Bearer {token}\", \"a\": 1}}"),
            "{\"Authorization\": \"[authorization]\", \"a\": 1}".into(),
        ),
        (
            format!("{{\\\"authorization\\\":\\\"Bearer {token}\\\"}}"),
            "{\\\"authorization\\\":\\\"[authorization]\\\"}".into(),
        ),
        (
            format!("Authorization: Digest username=\"a\", response=\"{token}\""),
            "Authorization: [authorization]".into(),
        ),
        (format!("sent bearer {token} to it"), "sent bearer [authorization] to it".into()),
        (format!("Cookie: session={token}; theme=dark\r\nHost: x"), "Cookie: [cookie]\r\nHost: x".into()),
        (format!("set-cookie: sid={token}; Path=/; HttpOnly"), "set-cookie: [cookie]".into()),
        (
            format!("{{\"key\":\"x-api-key\",\"value\":\"{token}\"}}"),
            "{\"key\":\"x-api-key\",\"value\":\"[secret]\"}".into(),
        ),
        (format!("password={secret}&user=x"), "password=[secret]&user=x".into()),
        (format!("\"password\" : \"{secret} with a blank\","), "\"password\" : \"[secret]\",".into()),
        (format!("DB_PASSWORD={secret}"), "DB_PASSWORD=[secret]".into()),
        (format!("contraseña: {secret}"), "contraseña: [secret]".into()),
        (format!("apiKey: '{token}'"), "apiKey: '[secret]'".into()),
        (format!("client_secret={token} scope=x"), "client_secret=[secret] scope=x".into()),
        (format!("refresh_token\":\"{token}\""), "refresh_token\":\"[secret]\"".into()),
        (format!("mysql --password {secret} -h db"), "mysql --password [secret] -h db".into()),
        (
            format!("GET https://x.example.com/a?sig={token}&page=2"),
            "GET https://x.example.com/a?sig=[secret]&page=2".into(),
        ),
        (
            format!("postgres://hub:{secret}@db.example.com:5432/x"),
            "postgres://[credentials]@db.example.com:5432/x".into(),
        ),
        (format!("key AKIA{} used", "ABCDEFGH12345678"), "key [token] used".into()),
        (format!("gh{}_{}", "p", "0123456789abcdefghijABCDEFGHIJ012345"), "[token]".into()),
        (format!("AT{}3xFfGF0{token}", "ATT"), "[token]".into()),
        (format!("xox{}-123456789012-{token}", "b"), "[token]".into()),
        (format!("jwt eyJ{token}.eyJ{token}.{token}!"), "jwt [token]!".into()),
        (
            format!("-----BEGIN {} KEY-----\nMIIB{token}\n-----END {} KEY-----\nafter", "RSA PRIVATE", "RSA PRIVATE"),
            "[private key]\nafter".into(),
        ),
        ("mail qa.team+1@shop.example.com, please".into(), "mail [email], please".into()),
        ("?user=qa%40example.com&x".into(), "?user=[email]&x".into()),
    ] {
        becomes(&input, &output);
    }
    let account: String = ["dXNlcjpw", "YXNzd29yZA=="].concat();
    becomes(&format!("basic {account}"), "basic [authorization]");
}

#[test]
fn telephone_numbers_are_found_by_country_or_grouping() {
    let mobile = ["612", "345", "678"];
    for (input, output) in [
        (format!("call +34 {}", mobile.join(" ")), "call [phone]".to_owned()),
        (format!("+34{}", mobile.concat()), "[phone]".into()),
        (format!("\"start\":++34{}:35", mobile.concat()), "\"start\":[phone]:35".into()),
        (format!("0034{}", mobile.concat()), "[phone]".into()),
        (format!("Llamar al {}.", mobile.join(" ")), "Llamar al [phone].".into()),
        (format!("oficina {} 34 56 78", "912"), "oficina [phone]".into()),
        (format!("oficina {} 123 45 67", "91"), "oficina [phone]".into()),
        (format!("teléfono: {}", mobile.concat()), "teléfono: [phone]".into()),
        (format!("{{\"phone\":\"{}\"}}", mobile.concat()), "{\"phone\":\"[phone]\"}".into()),
        ("+44 20 7946 0958".into(), "[phone]".into()),
        ("+1 212 555 0123".into(), "[phone]".into()),
    ] {
        becomes(&input, &output);
    }
}

/// Lines of real-looking reports in which nothing must be found.
const INNOCENT: &str = r#"TC_AUTH_001 TC_AFI_AUTH_001 UI-AUTH-003 HAIDA-SMOKE-002 REQ-GENERAL CTB-388 Redmine #468491
20260112-103000 1736678400000 1736678400000123456 2025-12-15T19:59:34.276+01:00 2025-12-15 19:59:34,276 12/15/2025
run-4111111111111112 6123456781 612345678 id=734928374 build 987654321 took 712345678ns 650 700 800 12 345 678
550e8400-e29b-41d4-a716-446655440000 11111111-2222-3333-4444-555555555555 4b825dc642cb6eb9a060e54bf8d69288fbee4904
192.168.100.200:8080 10.0.0.1 [2001:db8::1]:443 1.2.3-beta.4 lodash@4.17.21 @playwright/test@1.40.0 foo@1.0.0-beta.next
    at Object.<anonymous> (/builds/runner/work/shop/tests/cart.spec.ts:123:45)
    at com.example.shop.CartTest.adds(CartTest.java:42) ~[classes/:?]
    at java.base/java.lang.reflect.Method.invoke(Method.java:568)
  File "/usr/lib/python3.11/site-packages/_pytest/python.py", line 194, in pytest_pyfunc_call
goroutine 35 [running]: testing.tRunner.func1.2({0x52a4c0, 0x5a5f30}) /usr/local/go/src/testing/testing.go:1526 +0x24e
   at Shop.Tests.Cart.Adds() in C:\src\Shop.Tests\Cart.cs:line 17
com.example.Widget@1f2e3d4c java.lang.Object@7a8b9c0d.toString thread-612345678 0x7ffdeadbeef12345
Error: expect(locator).toHaveText(expected) Expected string: "Password" Received string: "Token"
SyntaxError: Unexpected token: end of input. Unexpected token < in JSON at position 4
locator('input[name="password"]').fill  getByLabel('Password:') input[type=password] input[name="password"]:visible
const token = await login.getToken(user); password === expected; if (secret == null) return; { password: pass }
Password: field is required. password: null, "password": "", "token": null, secret: undefined, pwd=/builds/runner PWD=/src
PASSWORD=${DB_PASSWORD} token={{token}} api_key=<your key> password: ******** Authorization: none
basic authentication failed, bearer of bad news, Cookie banner: accept, cookies: 3, authorization: the user may not
git+ssh://git@github.com http://localhost:3000/a?b=c&d=e&page=2 https://shop.example.com:8443/path?q=1#frag
key: value, keyboard: es, monkey=1, tokenizer: bpe, passed: 12, pass=3, compass: north, secretary: none
Cart > adds 3 items (5.2s) 12 passed (1.4m) 100 % 3.14159265358979 -0.4111111111 1e10 1,234,567.89
diff +1736678400000 +20260112103000 -1736678400001 @@ -123,45 +678,90 @@ rgba(255,255,255,0.5) #612345
ISBN 978-3-16-148410-0 DNI 12345678Z IBAN ES91 2100 0418 4502 0005 1332 NIF B12345678 CP 08001
"#;

#[test]
fn nothing_is_found_in_ids_traces_moments_and_prose() {
    for line in INNOCENT.lines() {
        let (out, found) = redacted(line);
        assert_eq!(out, line, "{found}");
    }
}

#[test]
fn numbers_at_random_are_hardly_ever_taken_for_something() {
    // A fixed row of pseudo-random numbers: ids of 9 to 19 digits as databases and clocks make them.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut taken = 0_u32;
    let total = 20_000_u32;
    for n in 0..total {
        let number = next().to_string();
        let digits = 9 + (n as usize % 11);
        let (_, found) = redacted(&format!("id {}", number.get(..digits.min(number.len())).unwrap()));
        taken += u32::from(!found.is_empty());
    }
    let share = f64::from(taken) * 100.0 / f64::from(total);
    println!("random ids of 9 to 19 digits taken for a card or telephone number: {share:.2} %");
    assert!(share < 1.5, "{share} %");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_second_time_finds_nothing_and_nothing_is_lost_beside(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("password: ".to_owned()), Just("token=".to_owned()), Just("Authorization: Bearer ".to_owned()),
                Just("Cookie: a=".to_owned()), Just("://a:b@".to_owned()), Just("@example.com".to_owned()),
                Just("+34 612 345 678".to_owned()), Just(" 91 123 45 67".to_owned()), Just("eyJabcdefgh12.".to_owned()),
                Just("\"".to_owned()), Just("\\\"".to_owned()), Just("\n".to_owned()), Just("-----BEGIN PRIVATE KEY-----".to_owned()),
                Just("tel ".to_owned()), Just("é".to_owned()), Just("[card]".to_owned()),
                "[a-z0-9 =:;&?-]{0,12}", "[0-9 -]{0,20}", any::<String>(),
            ],
            0..14,
        ),
    ) {
        let input = parts.concat();
        let (once, _) = redacted(&input);
        let (twice, found) = redacted(&once);
        prop_assert_eq!(&once, &twice);
        prop_assert!(found.is_empty());
    }
}

#[test]
fn time_grows_with_the_length_and_with_nothing_else() {
    // Texts that make a careless matcher quadratic: minutes instead of a moment.
    for part in [
        "@",
        "://",
        "a@",
        "1 ",
        "4111-",
        "password:",
        "password=\"",
        "password: (",
        "token:/",
        "token:=",
        "secret=${",
        "?key=${",
        "eyJaaaaaaaa",
        "-----BEGIN PRIVATE KEY",
        "Cookie: ",
        "cookie: a",
        "Authorization: ",
        "authorization=x1",
        "bearer ",
        "\\",
        "+",
        "%40a.",
        "\"",
        "612 345 ",
        "tel 612345678 ",
        "authorization: \"",
        "pwd='",
    ] {
        let long = part.repeat(300_000 / part.len());
        let (_, _) = redacted(&long);
    }
}
