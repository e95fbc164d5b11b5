//! Credentials recognised by their shape.
//!
//! Issuers give their tokens a prefix so that tools like this one can find them; the table holds the
//! published prefixes. Where there is none (`password = …`, `Bearer …`, `user:password@host`) the context
//! decides, together with entropy and a list of placeholders.
//!
//! One pass over the text finds which rules can match at all (`keywords`); only their patterns are compiled, on first
//! use. Patterns are ASCII and linear-time.

use std::collections::BTreeMap;

use regex_automata::meta::Regex;

use crate::Match;
use crate::pattern::Pattern;

mod block;
mod keywords;
mod literal;

/// The only shape with a body that is not one token.
const PRIVATE_KEY: &str = "private-key";

/// One shape.
struct Rule {
    id: &'static str,
    /// ASCII, compared without case; at least one occurs in every match.
    keywords: &'static [&'static str],
    /// Group 1, when there is one, is the secret; otherwise the whole match.
    pattern: &'static str,
    /// Bits per character that the secret must have at least; 0 asks for none.
    entropy: f64,
    /// A context rule: placeholders such as `<your token>` or `${TOKEN}` are let go.
    in_context: bool,
}

/// A rule whose prefix alone is proof.
const fn shape(id: &'static str, keywords: &'static [&'static str], pattern: &'static str) -> Rule {
    Rule { id, keywords, pattern, entropy: 0.0, in_context: false }
}

/// A rule whose words around the value are the proof.
const fn context(id: &'static str, keywords: &'static [&'static str], pattern: &'static str, entropy: f64) -> Rule {
    Rule { id, keywords, pattern, entropy, in_context: true }
}

static RULES: &[Rule] = &[
    // Keys and clouds
    shape(PRIVATE_KEY, &["private key"], block::HEADER),
    shape("age-secret-key", &["age-secret-key-1"], r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    shape("aws-access-key", &["akia", "asia", "abia", "acca"], r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    context(
        "aws-secret-key",
        &["aws", "secretaccesskey"],
        r#"(?i)(?:aws[ -~]{0,16}?(?:secret|sk)|secretaccesskey|secret_access_key)[ -~]{0,24}?["'=:>\s]([A-Za-z0-9/+]{40})(?:[\s"',;&<>)\]}]|$)"#,
        3.5,
    ),
    shape(
        "azure-storage-key",
        &["accountkey=", "sharedaccesskey="],
        r"(?i)(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,88}={0,2})",
    ),
    shape("azure-client-secret", &["q~"], r"\b([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})"),
    shape("google-api-key", &["aiza"], r"\bAIza[0-9A-Za-z_-]{35}"),
    shape("google-oauth-token", &["ya29."], r"\bya29\.[0-9A-Za-z_-]{20,}"),
    shape("google-oauth-secret", &["gocspx-"], r"\bGOCSPX-[0-9A-Za-z_-]{24,}"),
    shape("digitalocean-token", &["do_v1_", "dop_v1_", "doo_v1_", "dor_v1_"], r"\bdo[opr]?_v1_[a-f0-9]{64}\b"),
    shape("vault-token", &["hvs.", "hvb.", "hvr."], r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}"),
    shape("terraform-token", &[".atlasv1."], r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    shape("databricks-token", &["dapi"], r"\bdapi[a-f0-9]{32}(?:-\d)?\b"),
    shape("alibaba-key", &["ltai"], r"\bLTAI[A-Za-z0-9]{20}\b"),
    shape("tencent-key", &["akid"], r"\bAKID[A-Za-z0-9]{32}\b"),
    shape("flyio-token", &["fo1_", "fm2_"], r"\b(?:fo1_[A-Za-z0-9_-]{43}|fm2_[A-Za-z0-9+/=]{100,})"),
    shape("heroku-key", &["hrku-"], r"\bHRKU-[A-Za-z0-9_-]{36,}"),
    shape("netlify-token", &["nfp_"], r"\bnfp_[A-Za-z0-9]{36}"),
    shape("supabase-token", &["sbp_", "sb_secret_"], r"\b(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,})"),
    shape("planetscale-token", &["pscale_"], r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}"),
    shape("doppler-token", &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa."], r"\bdp\.(?:pt|st|ct|sa)\.[A-Za-z0-9_.-]{40,}"),
    shape("pulumi-token", &["pul-"], r"\bpul-[a-f0-9]{40}\b"),
    // Code hosts and registries
    shape("github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"\bgh[pousr]_[A-Za-z0-9]{36,255}"),
    shape("github-token", &["github_pat_"], r"\bgithub_pat_[A-Za-z0-9_]{60,255}"),
    shape(
        "gitlab-token",
        &["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "gloas-", "glsoat-", "glagent-", "glimt-", "glffct-"],
        r"\bgl(?:pat|dt|rt|ptt|cbt|oas|soat|agent|imt|ffct)-[A-Za-z0-9_.=-]{20,}",
    ),
    shape("bitbucket-token", &["atctt3", "atbb"], r"\b(?:ATCTT3[A-Za-z0-9_=-]{50,}|ATBB[A-Za-z0-9]{32})"),
    shape("atlassian-token", &["atatt3"], r"\bATATT3[A-Za-z0-9_=-]{50,}"),
    shape("npm-token", &["npm_"], r"\bnpm_[A-Za-z0-9]{36}"),
    shape("npm-token", &["_authtoken"], r"(?i)_authToken\s*=\s*([A-Za-z0-9_+/=-]{20,})"),
    shape("pypi-token", &["pypi-ageichlwas5vcmc"], r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"),
    shape("rubygems-key", &["rubygems_"], r"\brubygems_[a-f0-9]{48}\b"),
    shape("crates-io-token", &["cio"], r"\bcio[A-Za-z0-9]{32}\b"),
    shape("nuget-key", &["oy2"], r"\boy2[a-z0-9]{43}\b"),
    shape("docker-token", &["dckr_"], r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
    // Models and tools for them
    shape("anthropic-key", &["sk-ant-"], r"\bsk-ant-(?:[a-z]+[0-9]{2}-)?[A-Za-z0-9_-]{24,}"),
    shape(
        "openai-key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-none-"],
        r"\bsk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}",
    ),
    shape("openai-key", &["t3blbkfj"], r"\bsk-[A-Za-z0-9_-]{16,}T3BlbkFJ[A-Za-z0-9_-]{16,}"),
    Rule { entropy: 3.5, ..shape("openai-key", &["sk-"], r"\bsk-[A-Za-z0-9]{32,64}\b") },
    shape("openrouter-key", &["sk-or-"], r"\bsk-or-(?:v1-)?[a-f0-9]{48,64}\b"),
    shape("groq-key", &["gsk_"], r"\bgsk_[A-Za-z0-9]{40,}"),
    shape("perplexity-key", &["pplx-"], r"\bpplx-[A-Za-z0-9]{40,}"),
    shape("xai-key", &["xai-"], r"\bxai-[A-Za-z0-9]{60,}"),
    shape("huggingface-token", &["hf_", "api_org_"], r"\b(?:hf_|api_org_)[A-Za-z0-9]{34}"),
    shape("replicate-token", &["r8_"], r"\br8_[A-Za-z0-9]{37}"),
    shape("langsmith-key", &["lsv2_"], r"\blsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}\b"),
    shape("tavily-key", &["tvly-"], r"\btvly-(?:dev-|prod-)?[A-Za-z0-9_-]{30,}"),
    shape("firecrawl-key", &["fc-"], r"\bfc-[a-f0-9]{32}\b"),
    // Services
    shape("slack-token", &["xox"], r"\bxox[abceoprs](?:\.[a-z]+)?-[A-Za-z0-9-]{10,}"),
    shape("slack-token", &["xapp-"], r"\bxapp-[0-9]-[A-Za-z0-9-]{20,}"),
    shape(
        "slack-webhook",
        &["hooks.slack.com"],
        // Who it is for (`T…`), which hook, and what only its owner knows: `WORKSPACE/CHANNEL/TOKEN` tells its form.
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([TE][A-Z0-9]{7,}/(?:[A-Z0-9]+/)*[A-Za-z0-9]{16,})",
    ),
    shape(
        "discord-webhook",
        &["/api/webhooks/"],
        r"discord(?:app)?\.com/api/webhooks/[0-9]{15,21}/([A-Za-z0-9_-]{60,80})",
    ),
    shape(
        "discord-token",
        &["discord", "bot "],
        r"\b([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})\b",
    ),
    shape("telegram-token", &[":a"], r"\b([0-9]{8,10}:A[A-Za-z0-9_-]{34})\b"),
    shape("stripe-key", &["_live_", "_test_"], r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}"),
    shape("stripe-webhook-secret", &["whsec_"], r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
    shape("square-token", &["sq0", "eaaa"], r"\b(?:sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{60})"),
    shape("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    shape("twilio-key", &["sk"], r"\bSK[0-9a-f]{32}\b"),
    shape("sendgrid-key", &["sg."], r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    shape("mailgun-key", &["key-"], r"\bkey-[a-f0-9]{32}\b"),
    shape("mailchimp-key", &["-us"], r"\b[a-f0-9]{32}-us[0-9]{1,2}\b"),
    shape("resend-key", &["re_"], r"\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}\b"),
    shape("notion-token", &["ntn_", "secret_"], r"\b(?:ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43})\b"),
    shape("linear-key", &["lin_api_", "lin_oauth_"], r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    shape("airtable-token", &["pat"], r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b"),
    shape("figma-token", &["figd_", "figo_"], r"\bfig[do]_[A-Za-z0-9_-]{40,}"),
    shape("postman-key", &["pmak-"], r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}\b"),
    shape("newrelic-key", &["nrak-", "nrii-", "nrjs-"], r"\bNR(?:AK|II|JS)-[A-Za-z0-9_-]{19,40}"),
    shape(
        "grafana-token",
        &["glsa_", "glc_"],
        r"\b(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})",
    ),
    shape("sentry-token", &["sntrys_", "sntryu_"], r"\bsntry[su]_[A-Za-z0-9+/=_-]{40,}"),
    shape("dynatrace-token", &["dt0c01."], r"\bdt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}\b"),
    shape("easypost-key", &["ezak", "eztk"], r"\bEZ[AT]K[A-Za-z0-9]{54}\b"),
    shape("1password-token", &["ops_ey"], r"\bops_eyJ[A-Za-z0-9+/]{100,}={0,3}"),
    shape("1password-secret-key", &["a3-"], r"\bA3-[A-Z0-9]{6}-[A-Z0-9]{6,11}(?:-[A-Z0-9]{5}){3,4}\b"),
    shape("jwt", &["eyj"], r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"),
    // By context
    context(
        "url-password",
        &["://"],
        r#"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[A-Za-z0-9._~%!$&*+;=-]{0,64}:([A-Za-z0-9._~%!$&*+;=#^-]{3,128})@[A-Za-z0-9\[]"#,
        0.0,
    ),
    context(
        "authorization",
        &["bearer", "basic", "authorization"],
        r"(?i)\b(?:bearer|basic|authorization\s*[:=]\s*(?:token|apikey|digest|negotiate)?)\s+([A-Za-z0-9._~+/=-]{16,})",
        2.5,
    ),
    // In a header of that name any credential counts, however short: `Basic` and base64 of `a:b`.
    context(
        "authorization",
        &["authorization"],
        r#"(?i)\bauthorization["']?\s{0,4}:\s{0,4}["']?(?:basic|bearer|token|apikey|negotiate|digest)\s{1,4}([A-Za-z0-9._~+/=-]{6,})"#,
        2.0,
    ),
    context(
        "cookie",
        &["cookie"],
        r#"(?i)\bcookie["']?\s{0,4}:\s{0,4}["']?([A-Za-z0-9_.-]+=[!#-+\--:<-\[\]-~]*(?:;\s?[A-Za-z0-9_.-]+=[!#-+\--:<-\[\]-~]*)*)"#,
        3.2,
    ),
    context(
        "url-signature",
        &["signature=", "sig="],
        r"(?i)[?&](?:x-[a-z]{1,8}-)?sig(?:nature)?=([A-Za-z0-9%+/=_.-]{16,})",
        3.0,
    ),
    context(
        "assigned-secret",
        &[
            "password",
            "passwd",
            "pwd",
            "passphrase",
            "secret",
            "token",
            "api_key",
            "api-key",
            "apikey",
            "access_key",
            "access-key",
            "accesskey",
            "auth_key",
            "private_key",
            "credential",
            "encryption_key",
            "signing_key",
        ],
        r#"(?i)[A-Za-z0-9_.-]{0,40}(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?)["']?\s{0,8}(?:[:=]|:=|=>)\s{0,8}["']?([!#-&*+./0-9:;=?@A-Z^_a-z{}~$<>\[\]-]{6,256})"#,
        2.75,
    ),
];

/// No rule matches a shorter text: `ab://:cde@f` has eleven characters, `pwd=` needs seven more.
const SHORTEST: usize = 10;

#[expect(clippy::declare_interior_mutable_const, reason = "only the beginning of each place, never read")]
const NOT_YET: Pattern = Pattern::new();
static PATTERNS: [Pattern; RULES.len()] = [NOT_YET; RULES.len()];

fn pattern(rule: usize, text: &str) -> &'static Regex {
    PATTERNS[rule].for_text(text.len(), || RULES[rule].pattern.to_owned())
}

/// Secrets in the text, sorted, without overlaps. The range is the secret itself, not the words around it.
///
/// ```
/// let text = "use ghp_0123456789abcdefghijABCDEFGHIJ012345 for it";
/// let found = manta_detect::secrets::find(text);
/// assert_eq!((found[0].rule, &text[found[0].range.clone()]), ("github-token", &text[4..44]));
/// ```
#[must_use]
pub fn find(text: &str) -> Vec<Match> {
    find_by(text, |_| true)
}

/// Secrets whose issuer gave them a shape. In code, the words around a value are mostly names of variables.
#[must_use]
pub fn find_issued(text: &str) -> Vec<Match> {
    find_by(text, |rule| !rule.in_context)
}

/// Credentials in a program: those with a shape, random values under names that say what they are, and passwords in
/// addresses. What else the words around a value would say are mostly names of variables there.
#[must_use]
pub fn find_in_code(text: &str) -> Vec<Match> {
    let mut found: Vec<(bool, Match)> = find_issued(text).into_iter().map(|found| (false, found)).collect();
    let guessed = |range, rule| (true, Match { range, rule });
    found.extend(literal::assigned(text).map(|range| guessed(range, "assigned-secret")));
    found.extend(literal::in_addresses(text).map(|range| guessed(range, "url-password")));
    without_overlaps(found)
}

/// The credential in the value of a variable, by its form or by the name of the variable; a reference to another one
/// (`${TOKEN}`, `op://…`) is none. The range is one of the value.
///
/// ```
/// use manta_detect::secrets::of_variable;
/// let found = of_variable("API_TOKEN", "q8Zr71kLmN02xP4v").unwrap();
/// assert_eq!((found.rule, found.range), ("assigned-secret", 0..16));
/// assert_eq!(of_variable("API_TOKEN", "${API_TOKEN}"), None);
/// ```
#[must_use]
pub fn of_variable(name: &str, value: &str) -> Option<Match> {
    if is_reference(value) {
        return None;
    }
    let by_form = find(value).into_iter().next();
    // The name says what it is; the detector knows which values stand for one.
    let by_name = || find(&format!("{name}=\"{value}\"")).first().map(|found| found.rule);
    by_form.or_else(|| by_name().map(|rule| Match { range: 0..value.len(), rule }))
}

/// A value that somebody fills in: `${TOKEN}`, `$TOKEN`, `%TOKEN%`, `{{token}}`, `${input:token}`.
#[must_use]
pub fn is_reference(value: &str) -> bool {
    let value = value.strip_prefix("Bearer ").unwrap_or(value).trim();
    value.starts_with(['$', '{', '<'])
        || value.starts_with('%') && value.ends_with('%')
        || value.contains("${")
        || value.starts_with("op://")
        || value.is_empty()
}

fn find_by(text: &str, is_wanted: impl Fn(&Rule) -> bool) -> Vec<Match> {
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let possible = keywords::rules_for(text);
    let mut found: Vec<(bool, Match)> = Vec::new();
    let possible = RULES.iter().enumerate().filter(|(index, rule)| possible >> index & 1 == 1 && is_wanted(rule));
    for (index, rule) in possible {
        if rule.id == PRIVATE_KEY {
            let whole = block::find(text, pattern(index, text)).filter(|range| !is_mark(text, range.start));
            found.extend(whole.map(|range| (rule.in_context, Match { range, rule: rule.id })));
            continue;
        }
        for captures in pattern(index, text).captures_iter(text) {
            let Some(secret) = captures.get_group(1).or_else(|| captures.get_group(0)) else { continue };
            let value = &text[secret.range()];
            if is_mark(text, secret.start) || entropy(value) < rule.entropy {
                continue;
            }
            if rule.in_context && is_placeholder(value) {
                continue;
            }
            found.push((rule.in_context, Match { range: secret.range(), rule: rule.id }));
        }
    }
    without_overlaps(found)
}

/// Prefers an issuer's shape over a match by context, then the longer one.
fn without_overlaps(mut found: Vec<(bool, Match)>) -> Vec<Match> {
    found.sort_by_key(|(in_context, m)| (*in_context, std::cmp::Reverse(m.range.len()), m.range.start));
    let mut kept: BTreeMap<usize, Match> = BTreeMap::new();
    for (_, m) in found {
        // What is kept does not overlap, so the last one that starts before our end is the only rival.
        let rival = kept.range(..m.range.end).next_back();
        if rival.is_none_or(|(_, other)| other.range.end <= m.range.start) {
            kept.insert(m.range.start, m);
        }
    }
    kept.into_values().collect()
}

/// A text without the secrets in it, where there are any.
///
/// ```
/// use manta_detect::secrets::veiled;
/// assert_eq!(veiled("ghp_0123456789abcdefghijABCDEFGHIJ012345 of ada").as_deref(), Some("*** of ada"));
/// assert_eq!(veiled("nothing"), None);
/// ```
#[must_use]
pub fn veiled(text: &str) -> Option<String> {
    let found = find(text);
    if found.is_empty() {
        return None;
    }
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for secret in found {
        shown.push_str(&text[at..secret.range.start]);
        shown.push_str("***");
        at = secret.range.end;
    }
    shown.push_str(&text[at..]);
    Some(shown)
}

/// Whether a name (`GITHUB_TOKEN`, `clientSecret`, `--api-key`) says that its value is a secret, and not where it is kept
/// (`TOKEN_FILE`), how many there may be (`MAX_TOKENS`) or which is meant (`AWS_ACCESS_KEY_ID`).
///
/// ```
/// use manta_detect::secrets::is_name;
/// assert!(is_name("GITHUB_TOKEN") && is_name("clientSecret") && is_name("--api-key"));
/// assert!(!is_name("TOKEN_FILE") && !is_name("MAX_TOKENS") && !is_name("KEYBOARD"));
/// ```
#[must_use]
pub fn is_name(name: &str) -> bool {
    const SECRETS: [&str; 14] = [
        "secret",
        "secrets",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "pass",
        "token",
        "apikey",
        "apitoken",
        "authtoken",
        "credential",
        "credentials",
        "pat",
    ];
    /// Words before `key` that make it a secret in any spelling.
    const SECRET_KEYS: [&str; 20] = [
        "api",
        "secret",
        "access",
        "private",
        "auth",
        "encryption",
        "signing",
        "service",
        "master",
        "account",
        "client",
        "license",
        "jwt",
        "session",
        "storage",
        "hmac",
        "role",
        "admin",
        "bot",
        "app",
    ];
    /// Words before `key` that make it one everybody may know, a place in a table, or the path of a file.
    const OTHER_KEYS: [&str; 27] = [
        "public",
        "publishable",
        "anon",
        "primary",
        "foreign",
        "partition",
        "sort",
        "site",
        "cache",
        "idempotency",
        "project",
        "index",
        "item",
        "ssl",
        "tls",
        "ssh",
        "tag",
        "map",
        "schema",
        "arn",
        "object",
        "bucket",
        "column",
        "field",
        "row",
        "group",
        "record",
    ];
    /// Words about a secret that are not the secret.
    const ABOUT: [&str; 55] = [
        "file",
        "path",
        "dir",
        "folder",
        "url",
        "uri",
        "endpoint",
        "host",
        "id",
        "name",
        "type",
        "length",
        "len",
        "limit",
        "count",
        "size",
        "expiry",
        "expires",
        "expiration",
        "ttl",
        "seconds",
        "scope",
        "scopes",
        "header",
        "prefix",
        "mode",
        "algorithm",
        "issuer",
        "audience",
        "store",
        "command",
        "cmd",
        "field",
        "hash",
        "env",
        "required",
        "class",
        "module",
        "format",
        "provider",
        "verifier",
        "config",
        "version",
        "source",
        "label",
        "status",
        "user",
        "username",
        "email",
        "arn",
        "filename",
        "filepath",
        "location",
        "ref",
        "alias",
    ];
    let words = words(name);
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    // Google's libraries read the path of a file from it, in spite of its name.
    if words == ["google", "application", "credentials"] {
        return false;
    }
    // Where the shell keeps the directory it is in.
    if name == "PWD" {
        return false;
    }
    let is_setting = ["max", "min", "num", "enable", "disable", "use", "has", "is", "require", "allow", "no"]
        .contains(&first.as_str());
    if is_setting || ABOUT.contains(&last.as_str()) {
        return false;
    }
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // Variables of the environment are called after a vendor (`STRIPE_KEY`); a key in small letters may be any.
    let is_variable = words.len() > 1 && !name.contains(|c: char| c.is_ascii_lowercase()) && !has(&OTHER_KEYS);
    let is_key = last == "key" && (is_variable || has(&SECRET_KEYS) && !has(&OTHER_KEYS));
    is_key || has(&SECRETS)
}

/// The words of a name in any of the usual spellings, in lower case.
///
/// ```
/// use manta_detect::secrets::words;
/// assert_eq!(words("apiToken"), words("API_TOKEN"));
/// ```
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    for character in name.chars() {
        let starts = !before.is_ascii_alphanumeric() || before.is_ascii_lowercase() && character.is_ascii_uppercase();
        if character.is_ascii_alphanumeric() {
            match words.last_mut().filter(|_| !starts) {
                Some(word) => word.push(character.to_ascii_lowercase()),
                None => words.push(character.to_ascii_lowercase().to_string()),
            }
        }
        before = character;
    }
    words
}

/// Shannon entropy in bits per byte.
#[must_use]
pub fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
    let length = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

/// Redaction leaves `[redacted:…]`; finding that again, or a part of it, would redact the mark.
fn is_mark(text: &str, start: usize) -> bool {
    const MARK: &[u8] = b"[redacted";
    let bytes = text.as_bytes();
    let before = &bytes[start.saturating_sub(64)..start];
    let opened =
        before.iter().rposition(|byte| matches!(byte, b'[' | b']')).map_or(start, |at| start - before.len() + at);
    bytes[opened..].starts_with(MARK)
}

/// Values that name a secret, or stand for one, and are none.
fn is_placeholder(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "your",
        "changeme",
        "change-me",
        "change_me",
        "placeholder",
        "xxxx",
        "****",
        "....",
        "todo",
        "fixme",
        "redacted",
        "process.env",
        "os.environ",
        "getenv",
        "env.",
        "import.meta",
        "config.",
        "settings.",
        "self.",
        "this.",
        "args.",
        "undefined",
        "required",
        "optional",
    ];
    const TYPES: &[&str] = &["string", "str", "none", "null", "true", "false", "number", "boolean", "bytes", "unknown"];
    let lower = value.to_ascii_lowercase();
    let is_reference = lower.starts_with(['$', '<', '{', '%', '[']) || lower.contains("${") || lower.contains("{{");
    let is_call = lower.contains('(') || lower.ends_with(';') && !lower.bytes().any(|b| b.is_ascii_digit());
    // An identifier or a dotted path such as `user.token` or `API_KEY_HEADER`: code, not a value.
    let is_name = !value.bytes().any(|b| b.is_ascii_digit())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':' | b';' | b'?'))
        && (lower == value || value.to_ascii_uppercase() == value || value.contains('.'))
        && value.bytes().any(|b| matches!(b, b'.' | b'_' | b':' | b'?'));
    is_reference
        || is_call
        || is_name
        || TYPES.contains(&lower.trim_end_matches([';', ',', '?', ']']))
        || WORDS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::fast;

    fn rules(text: &str) -> Vec<&'static str> {
        find(text).into_iter().map(|m| m.rule).collect()
    }

    /// Random-looking text of the given alphabet; split so that no scanner takes this file for a leak.
    fn noise(length: usize, alphabet: &str) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        let mut state = 0x2545_f491_4f6c_dd1du64;
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                letters[usize::try_from(state % letters.len() as u64).unwrap()]
            })
            .collect()
    }

    const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const HEX: &str = "0123456789abcdef";
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    #[test]
    fn every_pattern_compiles_and_every_keyword_is_lowercase() {
        assert!(RULES.len() <= 128, "the set of possible rules is a word of 128 bits");
        for (index, rule) in RULES.iter().enumerate() {
            pattern(index, "");
            fast(rule.pattern);
            assert!(rule.keywords.iter().all(|word| *word == word.to_ascii_lowercase()), "{}", rule.id);
        }
    }

    #[test]
    fn issuers_shapes_are_found_inside_text() {
        for (rule, secret) in [
            ("aws-access-key", format!("AKIA{}", noise(16, UPPER))),
            ("github-token", format!("ghp_{}", noise(36, ALNUM))),
            ("github-token", format!("github_pat_{}_{}", noise(22, ALNUM), noise(59, ALNUM))),
            ("gitlab-token", format!("glpat-{}", noise(20, ALNUM))),
            ("slack-token", format!("xoxb-{}-{}", noise(12, "0123456789"), noise(24, ALNUM))),
            ("stripe-key", format!("sk_live_{}", noise(24, ALNUM))),
            ("anthropic-key", format!("sk-ant-api03-{}", noise(93, ALNUM))),
            ("openai-key", format!("sk-proj-{}", noise(48, ALNUM))),
            ("openai-key", format!("sk-{}", noise(48, ALNUM))),
            ("google-api-key", format!("AIza{}", noise(35, ALNUM))),
            ("npm-token", format!("npm_{}", noise(36, ALNUM))),
            ("huggingface-token", format!("hf_{}", noise(34, ALNUM))),
            ("sendgrid-key", format!("SG.{}.{}", noise(22, ALNUM), noise(43, ALNUM))),
            ("digitalocean-token", format!("dop_v1_{}", noise(64, HEX))),
            ("vault-token", format!("hvs.{}", noise(90, ALNUM))),
            ("jwt", format!("eyJ{}.eyJ{}.{}", noise(20, ALNUM), noise(30, ALNUM), noise(43, ALNUM))),
        ] {
            let text = format!("see \"{secret}\", please");
            let found = find(&text);
            assert_eq!(found.iter().map(|m| m.rule).collect::<Vec<_>>(), [rule], "{text}");
            assert_eq!(&text[found[0].range.clone()], secret);
        }
    }

    #[test]
    fn a_webhook_has_an_owner_and_its_form_has_none() {
        let hook = |path: &str| rules(&format!("post to https://hooks.slack.com/{path} then"));
        let (team, secret) = (noise(9, UPPER), noise(24, ALNUM));
        assert_eq!(hook(&format!("services/T{team}/B{team}/{secret}")), ["slack-webhook"]);
        assert_eq!(hook(&format!("triggers/T{team}/{}/{secret}", noise(12, "0123456789"))), ["slack-webhook"]);
        assert!(hook("services/WORKSPACE/CHANNEL/TOKEN").is_empty());
        assert!(hook("services/TEAM_ID/CHANNEL_ID/SECRET_TOKEN_OF_IT").is_empty());
    }

    #[test]
    fn a_private_key_is_one_match_even_when_it_is_cut_off() {
        let body = noise(200, ALNUM);
        let whole = format!("x -----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY----- y");
        let found = find(&whole);
        assert_eq!(found.len(), 1);
        assert!(whole[found[0].range.clone()].ends_with("-----END RSA PRIVATE KEY-----"));
        assert_eq!(rules(&format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}")), ["private-key"]);
    }

    #[test]
    fn context_gives_only_the_value() {
        for (text, rule, secret) in [
            ("postgres://app:h4nter2-x@db.internal/x", "url-password", "h4nter2-x"),
            ("Authorization: Bearer abcDEF123456.ghi_JKL", "authorization", "abcDEF123456.ghi_JKL"),
            ("PASSWORD=Tr0ub4dor&3", "assigned-secret", "Tr0ub4dor&3"),
            (r#"{"api_key": "q8Zr71kLmN02"}"#, "assigned-secret", "q8Zr71kLmN02"),
            ("client_secret: 'p9-V!x72bQ'", "assigned-secret", "p9-V!x72bQ"),
        ] {
            let found = find(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].rule, &text[found[0].range.clone()]), (rule, secret), "{text}");
        }
    }

    #[test]
    fn code_prose_and_placeholders_are_silent() {
        for text in [
            "password: string",
            "token = process.env.TOKEN",
            "api_key=<your key>",
            "secret: ${SECRET}",
            "password=changeme",
            "The token is passed as a header.",
            "apiKey: config.apiKey",
            "token = os.environ['X']",
            "password: None",
            "https://example.com:8080/path@2x.png",
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWGZVEbQcM",
            "task-force risk-averse",
            "git log --format=%H 9fceb02d0ae598e95dc970b74767f19372d61af8",
            "Bearer authentication is required",
            "basic understanding",
            "token: user_token",
            "secret = self.secret",
            "max_tokens: 4096",
            "tokens=1000",
            "",
        ] {
            assert_eq!(rules(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn names_of_secrets_are_told_from_names_about_them() {
        for name in
            ["API_KEY", "OPENAI_API_KEY", "DB_PASSWORD", "GH_PAT", "apiToken", "SECRET", "client-secret", "apikey"]
        {
            assert!(is_name(name), "{name}");
        }
        assert!(is_name("DB_PWD") && is_name("pwd") && !is_name("PWD"), "the shell's variable is a directory");
        for name in [
            "KEY",
            "PATH",
            "SSH_KEY_PATH",
            "TOKEN_URL",
            "STRIPE_PUBLISHABLE_KEY",
            "MAX_TOKENS",
            "TOKENIZERS",
            "MONKEY",
            "AWS_ACCESS_KEY_ID",
            "item_key",
            "MYSQL_SSL_KEY",
            "TOKEN_VERIFIER_CLASS",
            "secret_arn",
            "TOKEN_FILENAME",
            "FUNCTION_TAG_KEY",
            "PATIENT",
            "NO_PASSWORD",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "keyboard",
            "COMPASS",
            "",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn the_shortest_matches_are_not_too_short() {
        for text in ["pwd=a1b2c3d", "ab://:cde@f"] {
            assert_eq!(find(text).len(), 1, "{text}");
            assert!(text.len() >= SHORTEST);
        }
    }

    #[test]
    fn redaction_marks_are_silent() {
        for text in
            ["token=[redacted:secret:jwt]", "password: \"[redacted:key]\"", "Bearer [redacted:secret:authorization]"]
        {
            assert_eq!(rules(text), [""; 0], "{text}");
        }
    }
}
