//! Every case against its snapshots: `facts.snap` is what normalising makes of its records, `plan.snap` what shall be
//! published once all of them are loaded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    case::{self, folder},
    outline, team,
};

#[test]
fn each_case_has_the_facts_and_the_plan_that_its_folder_says() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let names = case::names();
    let failed: Vec<&String> = names
        .iter()
        .filter(|name| {
            let check = || {
                let case = case::load(name);
                let plan = team::Team::of(&case).plan(&team::project(case.locale));
                settings.set_snapshot_path(folder(name));
                settings.set_description(&case.about);
                settings.bind(|| {
                    insta::assert_snapshot!("facts", outline::facts(&case));
                    insta::assert_snapshot!("plan", outline::plan(&plan));
                });
            };
            catch_unwind(AssertUnwindSafe(check)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "cases that differ from their snapshots: {failed:?}");
}
