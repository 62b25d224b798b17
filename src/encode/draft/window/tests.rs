use super::*;
use crate::encode::outline::Node;
use crate::encode::outline::Port;

fn graph(dims: &[Option<usize>], producer: &str, operator: &str) -> Outline {
    let inputs = vec![Port { name: "x".into(), dims: dims.to_vec(), ..Port::default() }];
    let node = Node { inputs: vec!["x".into()], operator: operator.into(), ..Node::default() };
    Outline { producer: producer.into(), inputs, nodes: vec![node], ..Outline::default() }
}

fn of(dims: &[usize], producer: &str, operator: &str) -> Result<Kind, String> {
    let dims: Vec<_> = dims.iter().copied().map(Some).collect();
    let graph = graph(&dims, producer, operator);
    Window::of(&graph, &Wishes::default(), &mut Vec::new())
        .map(|window| window.kind)
        .map_err(|error| error.to_string())
}

fn picture(dims: &[usize], producer: &str, operator: &str) -> (usize, usize, bool, Normalise) {
    match of(dims, producer, operator) {
        Ok(Kind::Picture { width, height, channels_first, normalise, .. }) => {
            (width, height, channels_first, normalise)
        }
        other => panic!("{dims:?}: {other:?}"),
    }
}

#[test]
fn layout_and_scale_follow_from_shape_and_maker() {
    let (imagenet, symmetric) = (Normalise::Imagenet, Normalise::Symmetric);
    assert_eq!(picture(&[1, 3, 96, 128], "pytorch", "Conv"), (128, 96, true, imagenet));
    assert_eq!(picture(&[1, 96, 128, 3], "tf2onnx", "Conv"), (128, 96, false, symmetric));
    assert_eq!(picture(&[1, 3, 64, 64], "x", "Sub"), (64, 64, true, Normalise::None));
    let shown = of(&[1, 3, 64, 64], "x", "Conv").unwrap_err();
    assert!(shown.contains("--normalise") && shown.contains("\"x\""), "{shown}");
}

#[test]
fn sound_is_frames_or_bands_or_samples() {
    let frames_first = Kind::Sound { frames: 96, bands: 64, bands_first: false };
    for dims in [&[1, 1, 96, 64][..], &[1, 96, 64], &[1, 96, 64, 1]] {
        assert_eq!(of(dims, "", ""), Ok(frames_first), "{dims:?}");
    }
    for dims in [&[1, 1, 64, 96][..], &[1, 64, 96], &[1, 64, 96, 1]] {
        let bands_first = Kind::Sound { frames: 96, bands: 64, bands_first: true };
        assert_eq!(of(dims, "", ""), Ok(bands_first), "{dims:?}");
    }
    for dims in [&[15_600][..], &[1, 15_600], &[1, 1, 15_600]] {
        let samples = Kind::Samples { frames: 39, block: 400, whole: false };
        assert_eq!(of(dims, "", ""), Ok(samples), "{dims:?}");
    }
    for (dims, expected) in [
        (&[1, 1, 128, 998][..], "--set input.sound"),
        (&[1, 1, 300, 80], "--set input.sound"),
        (&[1, 16_001], "16001 raw samples"),
        (&[1, 7, 7, 7, 7], "[1, 7, 7, 7, 7]"),
        (&[1, 1, 28, 28], "grey pictures, of one channel, say --modality picture"),
        (&[4, 3, 96, 96], "takes 4 windows at a time; export it with a batch of 1"),
        (&[4, 1, 96, 64], "a batch of 1"),
        (&[4, 96, 64], "a batch of 1"),
        (&[4, 16_000], "a batch of 1"),
        (&[224, 224, 3], "neither a picture"),
    ] {
        let shown = of(dims, "", "").unwrap_err();
        assert!(shown.contains(expected), "{expected:?} missing in: {shown}");
    }
}

/// Fails where a network that divides by 32768 itself is given samples from −1 to 1.
#[test]
fn samples_as_whole_numbers_are_told_by_the_first_step() {
    for (operator, by, expected) in [
        ("Div", 32_768.0, true),
        ("Div", 32_767.0, true),
        ("Mul", 1.0 / 32_768.0, true),
        ("Mul", 32_768.0, false),
        ("Div", 2.0, false),
    ] {
        let mut graph = graph(&[Some(1), Some(16_000)], "", "Unsqueeze");
        graph.nodes[0].outputs = vec!["row".into()];
        graph.nodes.push(Node {
            operator: operator.into(),
            inputs: vec!["row".into(), "by".into()],
            outputs: vec!["scaled".into()],
            ..Node::default()
        });
        graph.scalars.insert("by".into(), by);
        assert_eq!(takes_whole_numbers(&graph, "x"), expected, "{operator} {by}");
    }
}

#[test]
fn an_open_size_is_asked_for_and_an_open_batch_is_one() {
    let open = graph(&[None, Some(3), None, None], "pytorch", "Conv");
    let mut wishes = Wishes::default();
    let shown = Window::of(&open, &wishes, &mut Vec::new()).unwrap_err().to_string();
    assert!(shown.contains("[?, 3, ?, ?]") && shown.contains("--shape 1,3,224,224"), "{shown}");
    wishes.shape = Some(vec![1, 3, 64, 64]);
    assert_eq!(Window::of(&open, &wishes, &mut Vec::new()).unwrap().shape, [1, 3, 64, 64]);
    wishes.sound = Some(true);
    let shown = Window::of(&open, &wishes, &mut Vec::new()).unwrap_err().to_string();
    assert!(shown.contains("--modality asks for sound"), "{shown}");
    wishes.sound = Some(false);
    wishes.shape = None;
    let grey = graph(&[Some(1), Some(1), Some(96), Some(64)], "", "");
    wishes.normalise = Some(Normalise::Unit);
    let window = Window::of(&grey, &wishes, &mut Vec::new()).unwrap();
    assert!(matches!(window.kind, Kind::Picture { width: 64, height: 96, grey: true, .. }));
    let batch = graph(&[None, Some(3), Some(64), Some(64)], "pytorch", "Conv");
    let window = Window::of(&batch, &Wishes::default(), &mut Vec::new()).unwrap();
    assert_eq!(window.shape, [1, 3, 64, 64]);
}
