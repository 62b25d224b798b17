//! Striking out what nobody else should read: passwords, keys and tokens in configurations, command
//! lines, and what programs say. It rather strikes out too much than too little.

use std::sync::OnceLock;

use regex_lite::Regex;

/// What stands where a secret stood. One word, so that what was struck out once stays as it is.
pub const STRUCK_OUT: &str = "(secret)";

/// Names that are those of secrets wherever they are a part of a name; `token` only at its end, for
/// a learner has tokens, too.
const STRONG: &str = r"[\w.-]*(?:(?:password|passwd|passphrase|passcode|loginpas|psk|secret|api[_-]?key|credential)[\w.-]*|token)";

/// Names that are those of secrets only as whole words: `key=`, `CAMERA_KEY=`, not `keyboard=`.
const WEAK: &str = r"(?:[\w.-]*[_.-])?(?:pwd|pass|pw|key)";

/// Names that are those of secrets only as whole words and before a `=`: elsewhere they are words like others.
const QUERY: &str = r"(?:[\w.-]*[_.-])?(?:psw|login|sig|signature|auth(?:key)?|sid|(?:php|j)?sess(?:ion)?[_-]?(?:id)?)";

/// `name =`, `name: ` and `"name": `. A colon after a weak name is more often a sentence's.
const ASSIGNED: &str = r#"(?:\b(?:STRONG|WEAK|QUERY)["']?[ \t]*=|\bSTRONG["']?[ \t]*:|["'](?:STRONG|WEAK)["'][ \t]*:)[ \t]*"#;

/// Pattern and what stays of it, applied in this order. Capitals do not matter.
const RULES: [(&str, &str); 12] = [
    // rtsp://user:password@host, where the password may hold slashes and at-signs.
    (r#"(:\\?/\\?/)[^\s/":]*:(?:\\.|[^\s"\\])*@"#, "${1}SECRET@"),
    // http://user@host
    (r#"(:\\?/\\?/)[^\s/"'?#]+@"#, "${1}SECRET@"),
    // user:password@host
    (r#"\b[\w.%+-]+:[^\s/"'@:,;]+@([\w\[])"#, "SECRET@${1}"),
    // Authorization: Bearer xyz, X-Auth-Key: xyz, also after the \r\n of a text.
    (
        r#"((?:\b|\\[rn])(?:authorization|x-[\w-]*(?:key|token))["']?[ \t]*[:=][ \t]*["']?)(?:digest\b[^\n]*|(?:[\w-]+[ \t]+)?(?:\\[^rn]|[^\s"',\\])+)"#,
        "${1}SECRET",
    ),
    // TOML's texts of several lines.
    (r#"(ASSIGNED)"{3}(?s:.*?)"{3}"#, "${1}SECRET"),
    // A line that begins with a secret's name: a value without quotes may have spaces.
    (r#"(?m)(^[ \t#;]*["']?ASSIGNED)[^\n]+$"#, "${1}SECRET"),
    // "NAME_PASSWORD=two words", as systemd writes it.
    (r#""(ASSIGNED)(?:\\.|[^"\\])*""#, "\"${1}SECRET\""),
    (r#"'(ASSIGNED)[^']*'"#, "'${1}SECRET'"),
    // name=value, within a line, a query or an argument.
    (r#"(ASSIGNED)(?:\(secret\)|"(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^\s"\\])+)"#, "${1}SECRET"),
    // --password value, also as two texts of a list.
    (
        r#"((?:^|[\s"'])--?(?:STRONG|WEAK|cookies?)(?:["']?,?\s+|["'],))(?:\(secret\)|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"']+)"#,
        "${1}SECRET",
    ),
    // -u user:password
    (
        r#"((?:^|[\s"'])(?:-u|--user)(?:["']?,?\s+|["'],|=))(?:"[^\s":]+:[^"]*"|'[^\s':]+:[^']*'|[^\s"':]+:[^\s"']+)"#,
        "${1}SECRET",
    ),
    // Cookie: a=b; c=d, to the end of the text or the line.
    (
        r#"((?:\b|\\[rn])cookies?["']?[ \t]*[:=][ \t]*["']?)(?:="[^"\n]*"|\\.|[^\n"'\\])+"#,
        "${1}SECRET",
    ),
];

/// The text with all that looks like a secret struck out, and otherwise as it was.
pub fn struck_out(text: &str) -> String {
    static COMPILED: OnceLock<Vec<(Regex, String)>> = OnceLock::new();
    apply(COMPILED.get_or_init(compile), text)
}

fn apply(rules: &[(Regex, String)], text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, kept) in rules {
        text = pattern.replace_all(&text, kept.as_str()).into_owned();
    }
    text
}

/// Invariant: every pattern compiles; the tests show that none is missing.
fn compile() -> Vec<(Regex, String)> {
    let whole = |(pattern, kept): (&str, &str)| {
        let pattern =
            pattern.replace("ASSIGNED", ASSIGNED).replace("STRONG", STRONG).replace("WEAK", WEAK);
        let pattern = pattern.replace("QUERY", QUERY);
        let pattern = Regex::new(&format!("(?i){pattern}")).ok()?;
        Some((pattern, kept.replace("SECRET", STRUCK_OUT)))
    };
    RULES.into_iter().filter_map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of the rule, a line, and what stays of it.
    const LINES: [(usize, &str, &str); 59] = [
        (0, "rtsp://user:pa/ss@host/live", "rtsp://(secret)@host/live"),
        (0, "rtsp://:pa/ss@host/live", "rtsp://(secret)@host/live"),
        (0, r"see rtsp:\/\/me:a#/b?c@host", r"see rtsp:\/\/(secret)@host"),
        (0, r#""rtsp://a:p\"/x@h/1", "b""#, r#""rtsp://(secret)@h/1", "b""#),
        (
            0,
            "[\"ffmpeg\", \"-i\", \"rtsp://me:p/@ss@10.0.0.2/live\", \"http://a/b@c\"]",
            "[\"ffmpeg\", \"-i\", \"rtsp://(secret)@10.0.0.2/live\", \"http://a/b@c\"]",
        ),
        (1, "http://admin@10.0.0.2/video?a=b@c", "http://(secret)@10.0.0.2/video?a=b@c"),
        (2, "ffplay admin:hunter2@10.0.0.2/live", "ffplay (secret)@10.0.0.2/live"),
        (3, "Authorization: Bearer abc.def", "Authorization: (secret)"),
        (3, "-H 'Authorization: Basic YWJj' http://c/", "-H 'Authorization: (secret)' http://c/"),
        (3, "curl -H Authorization: Bearer X http://c", "curl -H Authorization: (secret) http://c"),
        (3, "Authorization: Digest username=\"a\", b=\"c\"", "Authorization: (secret)"),
        (3, "\"Authorization\": \"abc\"", "\"Authorization\": \"(secret)\""),
        (3, "\"X-Auth-Key: hunter2\"", "\"X-Auth-Key: (secret)\""),
        (3, "curl -H X-My-Token: Bearer X http://c", "curl -H X-My-Token: (secret) http://c"),
        (
            3,
            r#"-headers "X-Key: a\r\nAuthorization: Basic b\r\nX-A: c\r\n" -i x"#,
            r#"-headers "X-Key: (secret)\r\nAuthorization: (secret)\r\nX-A: c\r\n" -i x"#,
        ),
        (4, "mqtt.password = \"\"\"\ntwo\nlines\"\"\"\na = 1", "mqtt.password = (secret)\na = 1"),
        (5, "password = two words", "password = (secret)"),
        (5, "  # Passwd: two words\nkept", "  # Passwd: (secret)\nkept"),
        (5, "mqtt.API_KEY=abc d", "mqtt.API_KEY=(secret)"),
        (6, "Environment=\"A_PASSWORD=two words\" B=c", "Environment=\"A_PASSWORD=(secret)\" B=c"),
        (7, "sh -c 'CAM_PASS=two words' x", "sh -c 'CAM_PASS=(secret)' x"),
        (8, "Environment=NAME_PASSWORD=value B=c", "Environment=NAME_PASSWORD=(secret) B=c"),
        (8, "http://c/cgi?loginuse=a&loginpas=b c", "http://c/cgi?loginuse=a&loginpas=(secret) c"),
        (8, "# wifi psk: hunter22, slow", "# wifi psk: (secret) slow"),
        (8, "rtsp://c/user=a_password=b_channel=1", "rtsp://c/user=a_password=(secret)"),
        (8, "http://c/?pwd=hunter2", "http://c/?pwd=(secret)"),
        (8, "http://c/?a=b&pass=hunter2", "http://c/?a=b&pass=(secret)"),
        (8, "http://c/?passwd=hunter2", "http://c/?passwd=(secret)"),
        (8, "http://c/?token=hunter2", "http://c/?token=(secret)"),
        (8, "http://c/?key=hunter2", "http://c/?key=(secret)"),
        (8, "x --password=hunter2 -v", "x --password=(secret) -v"),
        (8, "{ \"key\": \"a b\", \"c\": 1 }", "{ \"key\": (secret), \"c\": 1 }"),
        (8, "X-Auth Auth-Token: abc", "X-Auth Auth-Token: (secret)"),
        (8, "http://c/?psw=hunter2", "http://c/?psw=(secret)"),
        (8, "http://c/?auth=hunter2", "http://c/?auth=(secret)"),
        (8, "http://c/?a=b&sid=hunter2", "http://c/?a=b&sid=(secret)"),
        (8, "http://c/?login=admin:hunter2", "http://c/?login=(secret)"),
        (8, "http://c/?sig=hunter2", "http://c/?sig=(secret)"),
        (8, "http://c/?X-Amz-Signature=hunter2", "http://c/?X-Amz-Signature=(secret)"),
        (8, "http://c/;JSESSIONID=hunter2", "http://c/;JSESSIONID=(secret)"),
        (8, "x session_id = hunter2", "x session_id = (secret)"),
        (9, "x --password hunter2 -v", "x --password (secret) -v"),
        (9, "x --pass hunter2 -v", "x --pass (secret) -v"),
        (9, "x -pw hunter2 -v", "x -pw (secret) -v"),
        (
            9,
            "[\"x\", \"--password\", \"a b\", \"-v\"]",
            "[\"x\", \"--password\", (secret), \"-v\"]",
        ),
        (9, "[\"x\",\"--password\",\"a b\"]", "[\"x\",\"--password\",(secret)]"),
        (9, "['--pass','a','-v']", "['--pass',(secret),'-v']"),
        (9, "[\n\"--token\",\n\"a\",\n]", "[\n\"--token\",\n(secret),\n]"),
        (9, "curl --cookie 'a=b; c=d' x", "curl --cookie (secret) x"),
        (10, "curl -u admin:hunter2 http://c/", "curl -u (secret) http://c/"),
        (10, "curl --user=admin:hunter2 http://c/", "curl --user=(secret) http://c/"),
        (10, "[\"-u\", \"admin:two words\"]", "[\"-u\", (secret)]"),
        (10, "[\"-u\",\"admin:two words\"]", "[\"-u\",(secret)]"),
        (10, "curl -u 'admin:two words' x", "curl -u (secret) x"),
        (11, "\"Cookie: SESSION=abc\"", "\"Cookie: (secret)\""),
        (11, "-headers \"Cookie: sid=abc\" -i x", "-headers \"Cookie: (secret)\" -i x"),
        (11, r#""A: b\r\nCookie: a=b; c=d\r\n", "x""#, r#""A: b\r\nCookie: (secret)", "x""#),
        (11, "Set-Cookie: a=\"b c\"; d=e; Path=/\nkept", "Set-Cookie: (secret)\nkept"),
        (11, "\"Cookie\": \"a=b; c=d\"", "\"Cookie\": \"(secret)\""),
    ];

    #[test]
    fn secrets_are_struck_out_once_and_the_rest_is_kept() {
        for (_, line, kept) in LINES {
            assert_eq!(struck_out(line), kept);
            assert_eq!(struck_out(kept), kept, "what was struck out changes");
        }
    }

    #[test]
    fn every_rule_is_needed() {
        let all = compile();
        assert_eq!(all.len(), RULES.len(), "a pattern does not compile");
        for rule in 0..RULES.len() {
            let without: Vec<_> = (0..all.len())
                .filter(|&other| other != rule)
                .map(|other| all[other].clone())
                .collect();
            let mut tried = 0;
            for (_, line, kept) in LINES.iter().filter(|(of, ..)| *of == rule) {
                assert_ne!(apply(&without, line), *kept, "{line:?} does not need rule {rule}");
                tried += 1;
            }
            assert!(0 < tried, "no line for rule {rule}");
        }
    }

    #[test]
    fn harmless_text_is_left_as_it_is() {
        for line in [
            "keyboard=1 monkey=2 compass=3 bypass=4 batch_tokens = 1024",
            "2026-01-02T03:04:05Z 12:30:45 host habituate[7]: source \"mic\": running",
            "/dev/v4l/by-path/platform-xhci-hcd.0-usb-0:1.2:1.0-video-index0",
            "hw:CARD=Device,DEV=0 usb-path:1-1.2 usb-id:0d8c:013c:ABC",
            "/base/soc/i2c0mux/i2c@1/imx219@10 user@1000.service: ended",
            "http://10.0.0.2:8080/live http://a/b@c someone@example.org",
            "journalctl -u habituate.service -n 500 --no-pager; the first pass: 12 s; key: none",
            "signal=9 design=1 ssid=home authority=a oauth login: none; session: opened; auth 3; X-Y: z",
            "RootHashSignature= SyslogIdentifier= KillSignal=15 FinalKillSignal=9 sessions=2 side_every_s = 30",
            "KeyringMode=private\nPassEnvironment=\nExecStart={ path=/usr/bin/habituate ; argv[]=x }",
            include_str!("../../configs/default.toml"),
            include_str!("../../configs/jetson.toml"),
            include_str!("../../configs/raspberry-pi-3.toml"),
            include_str!("../../configs/raspberry-pi-5.toml"),
            include_str!("../../configs/x86.toml"),
            include_str!("../../packaging/habituate.toml"),
            include_str!("../../packaging/habituate.service"),
        ] {
            assert_eq!(struck_out(line), line);
        }
    }
}
