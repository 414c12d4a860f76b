//! What formats of one family share, beside their syntax: the two of NUnit, the two of Cucumber, and the names that .NET
//! tools give their tests.

pub(crate) mod dotnet;
pub(crate) mod gherkin;
pub(crate) mod nunit;
