//! `OPERATORS.md` is what the importer supports, what the official suite shows of it, and what it
//! costs. `ZKML_BLESS=1` writes it anew.

#[path = "onnx_suite/case.rs"]
#[allow(dead_code, reason = "only operators and names are of interest here")]
mod case;

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use zkml_core::onnx::{Operator, operators};

const HEAD: &str = "\
# Operators

What `zkml` imports, by domain. Made by `tests/onnx_operators.rs` from the importer's own table.

* *Opsets*: the versions of the domain that changed the operator; all from the first to the last are supported (ai.onnx: from
  7 on, and in 6 and below where nothing differs or only the old broadcasting does; up to 27). Many only add element types.
* *Refused attributes*: those of some version of the operator that are an error here, whatever their value. Values that are refused
  are in the message. Everything that is unsupported is an error that names node, operator, opset and attribute.
* *Suite*: cases of onnx 1.22.0's backend suite about the operator (function bodies included) that pass in the float executor
  at the suite's tolerance, and in the integer executor within 1/64 of the output's largest magnitude, of those that are in
  scope. What is not, and why, is in `tests/onnx_suite/lists/out_of_scope.txt`; refused cases with their codes in `unsupported.txt`.
* *Cost*: of one element of the result, in the machine. *View*: nothing, it changes how other steps read. *Linear*: a cell with two lookups
  where it is stored; sums, products with constants and views are fused into the step that stores them, and the multiply-adds themselves take
  no cells (weights are one fixed cell each). *Table*: a cell with two lookups, the second of which is the function, whatever it is. *Constant*:
  nothing, it is computed at import. Element types are float32 and float64, integers of up to 64 bits and bool where the operator has them; all
  numbers of a proof have at most 16 bits.

Operators with a function body in ONNX have a rule of their own here, so no body is expanded. Model-local functions are inlined.
";

/// The cost of an element of an operator's result.
fn cost(name: &str) -> &'static str {
    match name {
        "Reshape"
        | "Flatten"
        | "Squeeze"
        | "Unsqueeze"
        | "Transpose"
        | "Identity"
        | "Dropout"
        | "GatherElements"
        | "GatherND"
        | "Slice"
        | "Split"
        | "Concat"
        | "Expand"
        | "Tile"
        | "Pad"
        | "DepthToSpace"
        | "SpaceToDepth"
        | "Compress"
        | "ReverseSequence"
        | "Scatter"
        | "ScatterElements"
        | "ScatterND"
        | "TensorScatter"
        | "ArrayFeatureExtractor"
        | "FeatureVectorizer"
        | "ZipMap"
        | "Cast"
        | "CastLike"
        | "Imputer" => "view",
        "Gather" => "view; of ids that depend on the input, a table for each row",
        "Constant" | "ConstantOfShape" | "Range" | "Shape" | "Size" | "EyeLike" | "IsNaN"
        | "IsInf" => "constant",
        "Add" | "Sub" | "Neg" | "Sum" | "Mean" | "Gemm" | "BatchNormalization" | "Conv"
        | "ConvTranspose" | "AveragePool" | "GlobalAveragePool" | "ReduceSum" | "ReduceMean"
        | "CumSum" | "Trilu" | "Scaler" | "LinearRegressor" | "MatMulInteger" | "ConvInteger"
        | "DequantizeLinear" => "linear",
        "Resize" | "Upsample" => "view (nearest) or linear",
        "MatMul" | "Einsum" => "linear, also of two activations",
        "Mul" => "linear; of two activations two tables (squares)",
        "Div" => "linear; by an activation three tables",
        "And" | "Or" | "Xor" | "Not" => "linear with a constant, else a table",
        "Max" | "Min" | "PRelu" | "Where" => "one or two tables, and linear",
        "MaxPool" | "GlobalMaxPool" | "ReduceMax" | "ReduceMin" => "k - 1 tables for k elements",
        "ReduceProd" | "CumProd" => "two tables for each factor but the first",
        "Softmax" | "LogSoftmax" => "three tables for each element, two for each row",
        "Attention" => "linear (two products), four tables for each score",
        "LayerNormalization"
        | "RMSNormalization"
        | "GroupNormalization"
        | "InstanceNormalization"
        | "MeanVarianceNormalization"
        | "LpNormalization" => "three tables for each element, one for each row",
        "Normalizer" => "four tables for each element",
        "LRN" => "four tables",
        "ReduceL1" | "ReduceL2" | "ReduceSumSquare" | "LpPool" | "GlobalLpPool" => {
            "one table for each element that is summed, one for the result"
        }
        "ReduceLogSum" => "one table",
        "DynamicQuantizeLinear" => "refused: the scale depends on the data",
        "ReduceLogSumExp" => "two tables for each element that is summed, one for the result",
        "RotaryEmbedding" => "linear",
        "LSTM" => "five tables and three products a step and unit",
        "GRU" => "three tables and three products a step and unit",
        "RNN" => "one table a step and unit",
        "ArgMax" | "ArgMin" => "three tables for each element compared",
        "Hardmax" => "four tables for each element compared",
        "TopK" => "n (n - 1) / 2 tables for an axis of n, and k n for the choice",
        "OneHot" | "OneHotEncoder" => "one table",
        "TreeEnsemble" | "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => {
            "one table for each node and each leaf"
        }
        "LinearClassifier" => "linear, then its transform",
        "SVMClassifier" | "SVMRegressor" => {
            "one table for each support vector (RBF: and each feature), and for each pair of classes"
        }
        "LabelEncoder" => "one table for each key",
        _ => "table",
    }
}

/// Cases of the suite about an operator: in scope, right in floats, right in integers.
fn cases() -> BTreeMap<String, [usize; 3]> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx_suite");
    let all = case::read(&folder.join("cases.zip"));
    let ops: BTreeMap<String, String> =
        all.iter().map(|case| (case.name.clone(), case.op().to_owned())).collect();
    let list = |file: &str| {
        let text = std::fs::read_to_string(folder.join("lists").join(file)).expect("a list");
        let lines: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, rest)| (name.to_owned(), rest.to_owned()))
            .collect();
        lines
    };
    let (passes, out) = (list("passes.txt"), list("out_of_scope.txt"));
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for case in all.iter().filter(|case| !out.contains_key(&case.name)) {
        let count = counts.entry(case.family(&ops)).or_default();
        count[0] += 1;
        if let Some(rest) = passes.get(&case.name) {
            count[1] += 1;
            count[2] += usize::from(rest.ends_with("integer"));
        }
    }
    counts
}

/// Attributes of an operator in any version.
fn attributes() -> BTreeMap<String, Vec<String>> {
    include_str!("onnx_suite/schemas.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            Some((words.next()?, words.collect()))
        })
        .collect()
}

fn row(operator: &Operator, all: &[String], counts: Option<&[usize; 3]>) -> String {
    let known = |name: &String| operator.attributes.contains(&name.as_str());
    // What only says how memory was used before opset 6.
    // Read to say what to do instead.
    let of_no_use = |name: &str| operator.name == "SVMClassifier" && name.starts_with("prob_");
    let is_refused = |name: &String| !known(name) || of_no_use(name);
    let refused: Vec<_> =
        all.iter().filter(|name| is_refused(name) && *name != "consumed_inputs").collect();
    let refused: Vec<String> = refused.iter().map(|name| format!("`{name}`")).collect();
    let since: Vec<String> = operator.since.iter().map(i64::to_string).collect();
    let suite = match counts {
        Some([all, float, integer]) => format!("{float}, {integer} of {all}"),
        None => "-".into(),
    };
    let cost = if operator.on_activations { cost(operator.name) } else { "constant" };
    format!(
        "| {} | {} | {} | {suite} | {cost} |\n",
        operator.name,
        since.join(", "),
        refused.join(", ")
    )
}

#[test]
fn the_table_is_what_the_importer_does() {
    let (attributes, counts) = (attributes(), cases());
    let mut text = HEAD.to_owned();
    for domain in ["", "ai.onnx.ml"] {
        let title = if domain.is_empty() { "ai.onnx" } else { domain };
        let mut of_domain: Vec<Operator> = operators().filter(|o| o.domain == domain).collect();
        of_domain.sort_by_key(|operator| operator.name);
        write!(text, "\n## {title}\n\n{} operators.\n\n", of_domain.len()).expect("to a string");
        text.push_str(
            "| operator | opsets | refused attributes | suite: float, integer | cost |\n",
        );
        text.push_str("|---|---|---|---|---|\n");
        for operator in of_domain {
            let key = match domain {
                "" => operator.name.to_owned(),
                domain => format!("{domain}.{}", operator.name),
            };
            let all =
                attributes.get(&key).unwrap_or_else(|| panic!("{key} is no operator of ONNX"));
            for name in operator.attributes {
                assert!(all.iter().any(|known| known == name), "{key} has no attribute {name}");
            }
            text.push_str(&row(&operator, all, counts.get(operator.name)));
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("OPERATORS.md");
    if std::env::var_os("ZKML_BLESS").is_some() {
        std::fs::write(&path, &text).expect("can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "OPERATORS.md is stale; run again with ZKML_BLESS=1");
}
