//! The definitions as files.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

/// The file of a definition in `yaml/`, and its text.
///
/// # Errors
/// If the definition can't be written as YAML.
pub fn to_yaml(definition: &CustomResourceDefinition) -> Result<(String, String), serde_yaml::Error> {
    let mut value = serde_yaml::to_value(definition)?;
    whole_numbers(&mut value);
    let text = serde_yaml::to_string(&value)?;
    let file = format!("{}.yaml", definition.spec.names.plural);
    let header = "# Made by `make crds` from the types in crds/src; edit those.\n";
    Ok((file, format!("{header}{text}")))
}

/// Writes bounds as people do, `1` for `1.0`: in `JSONSchemaProps` they are floating-point numbers.
fn whole_numbers(value: &mut serde_yaml::Value) {
    match value {
        serde_yaml::Value::Number(number) if number.is_f64() => {
            // Bounds are far below 2^53, so their text is exact.
            let whole = number.to_string().strip_suffix(".0").map(str::parse::<i64>);
            if let Some(Ok(whole)) = whole {
                *value = whole.into();
            }
        }
        serde_yaml::Value::Sequence(items) => items.iter_mut().for_each(whole_numbers),
        serde_yaml::Value::Mapping(members) => members.values_mut().for_each(whole_numbers),
        _ => {}
    }
}
