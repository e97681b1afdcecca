package report

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"trace é 数据 𝄞.pcap":   "trace é 数据 𝄞.pcap",
		"C:\\captures\\x":     "C:\\captures\\x",
		"\x1b[31mred":         `\x1b[31mred`,
		"\u009b31m":           `\u009b31m`, // CSI as one character
		"\x9b31m":             `\x9b31m`,   // and as a byte
		"a\r\nb\tc\x00\x7f\b": `a\x0d\x0ab\x09c\x00\x7f\x08`,
		"\u202egnp.exe":       `\u202egnp.exe`,
		"\u2066\u2069\u200f":  `\u2066\u2069\u200f`,
		"\u200b\ufeff\u00ad":  `\u200b\ufeff\u00ad`,
		"\u2028\u2029\u0085":  `\u2028\u2029\u0085`,
		"\U000e0041":          `\U000e0041`,
		"caf\xe9":             `caf\xe9`,
		"\xed\xa0\x80":        `\xed\xa0\x80`, // half a surrogate pair
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) { requireHarmless(t, Clean(s), "") })
}

// requireHarmless fails on anything that a terminal acts on, other than allowed.
func requireHarmless(t *testing.T, text, allowed string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("not UTF-8")
	}
	for i, r := range text {
		if !unicode.IsPrint(r) && !strings.ContainsRune(allowed, r) {
			t.Errorf("%q at byte %d, after %q", r, i, text[max(0, i-40):i])
		}
	}
}

// TestHostile_output looks at whole reports for what no file name may bring in.
func TestHostile_output(t *testing.T) {
	o := with(func(o *Options) { o.Undecided = true })
	for name, write := range map[string]writer{"text": Text, "json": JSON, "ndjson": NDJSON, "csv": CSV, "markdown": Markdown} {
		t.Run(name, func(t *testing.T) { requireHarmless(t, string(written(t, write, hostile(), o)), "\n") })
	}
}

func TestPlainCell(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"plain":                     "plain",
		"10.0.0.1:80":               "10.0.0.1:80",
		"a=b":                       "a=b",
		"=cmd|' /C calc'!A0":        "'=cmd|' /C calc'!A0",
		"+1":                        "'+1",
		"-2":                        "'-2",
		"@SUM(A1)":                  "'@SUM(A1)",
		"  =1":                      "'  =1",
		"\t=1":                      `\x09=1`,
		"\r=1":                      `\x0d=1`,
		"\n=1":                      `\x0a=1`,
		"＝1":                        "'＝1",
		"＠SUM":                      "'＠SUM",
		`=HYPERLINK("http://evil")`: `'=HYPERLINK("http://evil")`,
	} {
		if got := plainCell(in); got != want {
			t.Errorf("plainCell(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestMarkdown_staysInItsCell holds every table row of a hostile report to its
// number of cells, and lets no markup through that is not the report's own.
func TestMarkdown_staysInItsCell(t *testing.T) {
	ours := strings.NewReplacer("<details><summary>", "", "</summary>", "", "</details>", "", `\<`, "", `\|`, "")
	cells := 0
	for _, line := range strings.Split(string(written(t, Markdown, hostile(), testOptions())), "\n") {
		plain := ours.Replace(line)
		if markup.MatchString(plain) {
			t.Errorf("markup or mention in %q", line)
		}
		if !strings.HasPrefix(line, "#") && strings.Contains(plain, "#") {
			t.Errorf("heading or reference in %q", line)
		}
		n := strings.Count(plain, "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			if n > 0 {
				t.Errorf("a bar outside a table: %q", line)
			}
			cells = 0
		case cells == 0:
			cells = n
		case n != cells:
			t.Errorf("%d bars, want %d: %q", n, cells, line)
		}
	}
}

// markup is what begins a tag, or a mention.
var markup = regexp.MustCompile(`<[A-Za-z/!?]|@`)

func TestMarkdown_code(t *testing.T) {
	for in, want := range map[string]string{
		"<--- . 1:1(0)": "`<--- . 1:1(0)`", "BYTES >/<": "`BYTES >/<`", "a < b": "`a < b`",
		"<b>": "`\\x3cb>`", "</details>": "`\\x3c/details>`", "<!--": "`\\x3c!--`", "<?x": "`\\x3c?x`",
	} {
		if got := mdCode(in); got != want {
			t.Errorf("mdCode(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestMarkdownProse(t *testing.T) {
	for in, want := range map[string]string{
		"FIN_WAIT_1 and _this_":      `FIN_WAIT_1 and \_this\_`,
		"[2001:db8::1]:443 *x* `y`":  `\[2001:db8::1\]:443 \*x\* \` + "`y\\`",
		"<img src=x> & @user #12 !3": `\<img src=x\> \& \\x40user \\x2312 \!3`,
		"two\n\nlines":               "two lines",
		"http://evil www.evil WWW.x": `http\\x3a//evil www\\x2eevil WWW\\x2ex`,
		"a | b \\ c":                 `a \| b \\ c`,
	} {
		if got := mdProse(in); got != want {
			t.Errorf("mdProse(%q) =\n%s, want\n%s", in, got, want)
		}
	}
}
