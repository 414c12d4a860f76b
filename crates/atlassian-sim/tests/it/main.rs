//! The simulator over real HTTP.

mod clients;

// The attribute tells the lints that helpers in there are test code too.
#[cfg(test)]
mod confluence;

#[cfg(test)]
mod faults;

#[cfg(test)]
mod faults_conditions;

#[cfg(test)]
mod faults_limits;

#[cfg(test)]
mod faults_script;

#[cfg(test)]
mod humans;

#[cfg(test)]
mod jira;

#[cfg(test)]
mod load;

#[cfg(test)]
mod site;

#[cfg(test)]
mod twenty;
