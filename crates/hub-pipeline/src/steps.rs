//! Steps that a table holds as one text, taken apart: `1. Open the page 2. Click` becomes two steps.

/// The steps of a text, without their numbers. Lines are steps; within a line, a number counts only where it continues
/// the row 1, 2, 3, so that `wait 2. 5 seconds` is not taken apart at a wrong place.
#[must_use]
pub fn split(text: &str) -> Vec<String> {
    let mut steps = Vec::new();
    for line in text.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty()) {
        let next = steps.len() + 1;
        split_line(line, next, &mut steps);
    }
    steps
}

fn split_line(line: &str, first: usize, steps: &mut Vec<String>) {
    let mut rest = line;
    let start = if opens(rest, first) {
        first
    } else if opens(rest, 1) {
        1
    } else {
        steps.push(rest.trim_start_matches(['-', '*', '•']).trim().to_owned());
        return;
    };
    let mut number = start;
    while let Some(body) = strip(rest, number) {
        let end = find_next(body, number + 1);
        let (step, after) = body.split_at(end);
        let step = step.trim();
        if !step.is_empty() {
            steps.push(step.to_owned());
        }
        rest = after;
        number += 1;
    }
}

fn opens(text: &str, number: usize) -> bool {
    strip(text, number).is_some()
}

/// What follows `N.` or `N)` and a space.
fn strip(text: &str, number: usize) -> Option<&str> {
    let rest = text.trim_start().strip_prefix(&number.to_string())?;
    let rest = rest.strip_prefix(['.', ')'])?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
}

/// Where ` N. ` begins, or the end.
fn find_next(text: &str, number: usize) -> usize {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|t| t.find(char::is_whitespace)) {
        let at = from + at;
        let Some(tail) = text.get(at..) else { break };
        if opens(tail, number) {
            return at;
        }
        from = at + tail.chars().next().map_or(1, char::len_utf8);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_texts_become_steps() {
        assert_eq!(
            split("1. Navegar a /login 2. Ingresar email 3. Click"),
            ["Navegar a /login", "Ingresar email", "Click"]
        );
        assert_eq!(split("1) Abrir\n2) Cerrar"), ["Abrir", "Cerrar"]);
        assert_eq!(split("- Abrir\n- Cerrar"), ["Abrir", "Cerrar"]);
        assert_eq!(split("Esperar 2. 5 segundos"), ["Esperar 2. 5 segundos"]);
        assert_eq!(split("1. Esperar 5. Nada 2. Seguir"), ["Esperar 5. Nada", "Seguir"]);
        assert_eq!(split("1. Pagar 1.500 € 2. Fin"), ["Pagar 1.500 €", "Fin"]);
        assert_eq!(split(""), Vec::<String>::new());
        assert_eq!(split("1."), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn no_word_is_lost(words in proptest::collection::vec("[a-zé]{1,6}", 1..20)) {
            let numbered: String =
                words.iter().enumerate().map(|(i, w)| format!("{}. {w} ", i + 1)).collect();
            proptest::prop_assert_eq!(split(&numbered), words);
        }
    }
}
