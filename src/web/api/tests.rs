use super::*;

fn ask(route: Route, json: &str) -> Result<Ask, String> {
    AskDoc::from_json(json)?.into_ask(route)
}

#[test]
fn every_question_can_be_written_as_json() {
    let at = At::Lived(3.0);
    let teach = ask(Route::Teach, r#"{"name":"pump","at_s":3}"#);
    assert_eq!(teach, Ok(Ask::TeachAt { name: "pump".into(), at, continues: false }));
    let search = ask(Route::Search, r#"{"ago_s":20,"nearest":3}"#);
    assert_eq!(search, Ok(Ask::SearchAt { at: At::Ago(20.0), nearest: 3 }));
    let search = ask(Route::Search, r#"{"name":"pump"}"#);
    assert_eq!(search, Ok(Ask::SearchName { name: "pump".into(), nearest: 10 }));
    assert_eq!(ask(Route::Undo, ""), Ok(Ask::Undo));
    let windows = r#"{"windows":[{"tokens":[[1,2]],"valid_tokens":1,"embedding":[3]}]}"#;
    let Ok(Ask::Search { windows, nearest: 10 }) = ask(Route::Search, windows) else {
        unreachable!("a search for windows");
    };
    let doc = WindowDoc::from(&windows[0]);
    assert_eq!(doc.tokens, [[1.0, 2.0]]);
    assert_eq!(doc.latent().as_ref(), Some(&windows[0]));
}

#[test]
fn what_is_wrong_is_said() {
    for (route, json, words) in [
        (Route::Teach, r#"{"nam":"x"}"#, "unknown field `nam`"),
        (Route::Teach, r#"{"name":"x"}"#, "one of both"),
        (Route::Teach, r#"{"at_s":3}"#, "\"name\" is missing"),
        (Route::Teach, r#"{"name":"x","at_s":3,"ago_s":3}"#, "one of at_s and ago_s"),
        (Route::Search, r#"{"name":"x","at_s":3}"#, "one of them"),
        (Route::Rename, r#"{"name":"x"}"#, "\"to\" is missing"),
        (
            Route::Search,
            r#"{"windows":[{"tokens":[[1],[1,2]],"valid_tokens":1,"embedding":[]}]}"#,
            "equal length",
        ),
    ] {
        let shown = ask(route, json).unwrap_err();
        assert!(shown.contains(words), "{json}: {shown:?} does not say {words:?}");
    }
}

#[test]
fn refusals_have_their_status() {
    let no_name = NamesError::NoSuchName { name: "x".into(), known: Vec::new() };
    for (error, wanted) in [
        (no_name.into(), 404),
        (NamesError::Full { what: "name", most: 64 }.into(), 507),
        (NamesError::BadName { name: String::new() }.into(), 400),
        (NamesError::TooEarly.into(), 409),
        (AskError::Busy, 503),
    ] {
        let (status, doc) = answer("mic", Err(error));
        assert_eq!(status, wanted, "{doc:?}");
        assert_eq!(AnswerDoc::from_json(&doc.to_json()), Some(doc));
    }
}
