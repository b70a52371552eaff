package ui

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/exeunt/exeunt/internal/inventory"
)

// carried is the sheet that a page carries to its next form.
var carried = regexp.MustCompile(`name="sheet" value="([^"]*)"`)

// TestAnExportIsMatchedDecidedAndOfferedAsFiles goes from an export to what the configuration keeps.
func TestAnExportIsMatchedDecidedAndOfferedAsFiles(t *testing.T) {
	inNovember(t, func(t *testing.T, _ *world, h http.Handler) {
		says(t, send(h, "it", "/systems", nil), 200, `href="/systems/-/import"`, `href="/systems/-/add"`)
		says(t, send(h, "auditor", "/systems", nil), 200, "not:/systems/-/import", "not:/systems/-/add")
		if got := send(h, "auditor", "/systems/-/import", nil); got.Code != 404 {
			t.Errorf("an auditor imports: %d", got.Code)
		}
		says(t, send(h, "it", "/systems/-/import", nil), 200, "Nothing is kept on this server", "The department survey")
		post := func(source, name, text string) string {
			t.Helper()
			r := sendFile(t, h, "it", "/systems/-/import", "file", name, map[string]string{"source": source}, text)
			says(t, r, 200)
			return r.Body.String()
		}
		page := post("finance", "spend.csv", "Vendor,Amount\nMicrosoft Ireland Operations,10\nSnowflake Computing Inc,900\nKwark Analytics Ltd,77\n,5\n")
		for _, want := range []string{"spend.csv shows 3 applications: 1 in the inventory, 0 no system of ours, 1 to decide, 1 not in the inventory; 1 row names no application",
			"inventory/finance.yaml", "does not write into the configuration folder", "systems/kwark-analytics.yaml", "owner: # who does it", "%: one name is within the other, which is its vendor"} {
			if !strings.Contains(strings.Join(strings.Fields(page), " "), want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		state := carried.FindStringSubmatch(page)
		if state == nil {
			t.Fatal("the page carries no sheet")
		}
		form := url.Values{"sheet": {html.UnescapeString(state[1])}}
		at := "0" // by name: Kwark, Microsoft, Snowflake
		if strings.Index(page, `name="is-1"`) > 0 {
			at = "1"
		}
		form.Set("is-"+at, noSystem)
		says(t, send(h, "it", "/systems/-/import", form), 422, "Say why &#34;Microsoft Ireland Operations&#34; is no system of ours", "1 to decide")
		form.Set("other-"+at, "no-such-system")
		says(t, send(h, "it", "/systems/-/import", form), 422, "There is no system")
		form.Set("other-"+at, "entra-id")
		says(t, send(h, "it", "/systems/-/import", form), 200, "2 in the inventory", "0 to decide", "Your decisions stand in it", "is: entra-id", "by: ")
		says(t, send(h, "it", "/systems/-/import", url.Values{"sheet": {"{"}}), 422, "did not come back whole")
	})
}

func TestAnExportThatCannotBeReadIsRefusedBesideItsField(t *testing.T) {
	inNovember(t, func(t *testing.T, _ *world, h http.Handler) {
		for want, file := range map[string]string{"No column says which application": "Was,Wieviel\nMiro,1\n", "The file is empty": "", "No row of the file names an application": "Vendor\n \n"} {
			r := sendFile(t, h, "it", "/systems/-/import", "file", "x.csv", map[string]string{"source": "finance"}, file)
			if r.Code == 200 || !strings.Contains(r.Body.String(), want) || !strings.Contains(r.Body.String(), `id="file-err"`) {
				t.Errorf("%d, and not %q", r.Code, want)
			}
		}
		says(t, sendFile(t, h, "it", "/systems/-/import", "file", "x.csv", map[string]string{"source": "hearsay"}, "Vendor\nMiro\n"), 422, "Say whose export it is")
		says(t, send(h, "it", "/systems/-/import", url.Values{"source": {string(inventory.Finance)}}), 422, "Choose a file")
	})
}

// TestASystemIsBegunByItsName writes its file, and says which system it may be already.
func TestASystemIsBegunByItsName(t *testing.T) {
	inNovember(t, func(t *testing.T, _ *world, h http.Handler) {
		says(t, send(h, "it", "/systems/-/add", nil), 200, "What people call it", "not:Its file")
		says(t, send(h, "it", "/systems/-/add?name=Miro", nil), 200, "systems/miro.yaml", "title: Miro", "fallback: #", "does not write into the configuration folder", "not:may be in the inventory already")
		says(t, send(h, "it", "/systems/-/add?name=Datadog", nil), 200, "Shown by the single sign-on", "84 people")
		says(t, send(h, "it", "/systems/-/add?name=Snowflake+Computing", nil), 200, "may be in the inventory already", `href="/systems/snowflake"`)
	})
}

// TestAnImportInABrowser goes the same way as a person does.
func TestAnImportInABrowser(t *testing.T) {
	b := openTab(t, "it")
	file := filepath.Join(t.TempDir(), "spend.csv")
	text := "Vendor,Amount\nMicrosoft Ireland Operations,10\nSnowflake Computing Inc,900\n"
	for i := range 80 {
		text += fmt.Sprintf("Supplier of things number%c%c,%d\n", 'a'+i%26, 'a'+i/26, i)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{1440, 390} {
		b.size(width)
		b.visit("/systems/-/import")
		b.do(chromedp.SetUploadFiles("[name=file]", []string{file}), chromedp.Click("button.pri"), chromedp.WaitVisible("#keep-h"))
		b.checkPage(width)
		b.shoot(fmt.Sprintf("import-read-%d", width))
	}
}
