use super::*;
use crate::encode::bundled;

fn sound() -> &'static [u8] {
    bundled::find(bundled::DEFAULT_SOUND).unwrap().onnx
}

#[test]
fn inputs_outputs_and_nodes_are_found() {
    let outline = Outline::read(sound(), "x.onnx").unwrap();
    let [input] = outline.inputs.as_slice() else { panic!("{:?}", outline.inputs) };
    assert_eq!(input.name, "input");
    assert_eq!(input.dims, [Some(1), Some(1), Some(96), Some(64)]);
    assert_eq!((input.element, outline.float16_weights), (Element::Float32, false));
    let outputs: Vec<&str> = outline.outputs.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(outputs, ["tokens", "embedding"]);
    assert!(outline.control_flow().is_empty() && !outline.external_weights);
    assert_eq!(outline.value_named("tokens"), Some("tokens"));
    assert_eq!(outline.value_named("nowhere"), None);
}

/// Fails where a tensor of several numbers, or of 32 bits of another kind, is taken for one.
#[test]
fn single_numbers_among_the_weights_are_known() {
    let tensor = |kind: u8, numbers: &[f32], field: u8| {
        let mut bytes = vec![16, kind];
        let raw: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        put_bytes(field, &raw, &mut bytes);
        put_bytes(8, b"c", &mut bytes);
        read_scalar(&bytes).unwrap()
    };
    for field in [4, 9] {
        assert_eq!(tensor(1, &[32_768.0], field), Some(("c".into(), 32_768.0)), "{field}");
    }
    assert_eq!((tensor(1, &[1.0, 2.0], 9), tensor(6, &[1.0], 9)), (None, None));
}

/// Fails where random numbers that nothing used depends on are found, or those further back are not.
#[test]
fn random_numbers_are_found_behind_what_is_used() {
    let node = |operator: &str, inputs: &[&str], output: &str| Node {
        operator: operator.into(),
        inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
        outputs: vec![output.into()],
        ..Node::default()
    };
    let nodes = vec![
        node("Conv", &["input"], "mean"),
        node("RandomNormalLike", &["mean"], "noise"),
        node("Add", &["mean", "noise"], "sample"),
        node("Relu", &["sample"], "relu"),
    ];
    let outline = Outline { nodes, ..Outline::default() };
    assert_eq!(outline.random(&["relu"]), ["RandomNormalLike"]);
    assert!(outline.random(&["mean"]).is_empty());
}

#[test]
fn a_size_of_minus_one_or_none_is_left_open() {
    let minus_one = [&[8][..], &[0xff; 9], &[1]].concat();
    for (bytes, expected) in [(&[8, 64][..], Some(64)), (&minus_one, None), (&[8, 0], None)] {
        assert_eq!(read_dim(Value::Bytes(bytes)).unwrap(), expected, "{bytes:?}");
    }
}

#[test]
fn a_value_added_to_the_outputs_is_one() {
    let first = Outline::read(sound(), "x.onnx").unwrap().nodes[0].outputs[0].clone();
    let more = with_outputs(sound(), &[&first]);
    let outline = Outline::read(&more, "x.onnx").unwrap();
    assert_eq!(outline.outputs.last().unwrap().name, first);
    assert_eq!(outline.outputs.len(), 3);
}

#[test]
fn what_is_no_network_says_what_it_is() {
    let cut = &sound()[..sound().len() / 2];
    for (bytes, expected) in [
        (&b""[..], "it is empty"),
        (b"PK\x03\x04....", "ZIP archive"),
        (b"\x1c\0\0\0TFL3....", "TensorFlow Lite"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"just some words", "no ONNX"),
        (b"\x08\x07\x12\x04test", "no graph"),
        (cut, "ends in the middle"),
    ] {
        let shown = Outline::read(bytes, "my.onnx").unwrap_err().to_string();
        assert!(shown.contains("my.onnx") && shown.contains(expected), "{shown}");
    }
}
