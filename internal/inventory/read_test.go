package inventory

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/exeunt/exeunt"
)

// windows1252 is how older spreadsheets write umlauts.
func windows1252(text string) string {
	return strings.NewReplacer("ä", "\xe4", "ö", "\xf6", "ü", "\xfc", "ß", "\xdf", "€", "\x80").Replace(text)
}

func utf16LE(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

func TestExportsAreReadAsTheyCome(t *testing.T) {
	for name, c := range map[string]struct {
		source Source
		text   string
		want   string
	}{
		"a card statement": {Finance, "Date,Merchant,Amount,Currency,Cardholder\n2026-01-03,SLACK T02AB9 DUBLIN,\"1,200.50\",EUR,Ida\n2026-02-03,SLACK T02AC1 DUBLIN,\"1,200.50\",EUR,Ida\n2026-02-04,PAYPAL *FIGMA,45.00,EUR,Bo\n,Total,\"2,446.00\",,\n",
			"SLACK T02AB9 DUBLIN 2401.00 EUR by Ida; PAYPAL *FIGMA 45.00 EUR by Bo"},
		"a German ledger with a title": {Finance, windows1252("Kreditorenauswertung 2026;;;\n;;;\nKreditor;Betrag (€);Kostenstelle;Verantwortlich\nTüröffner Süd GmbH;1.234,56 €;Vertrieb;ida.berg@larkfield.example\nZOOM.US;-12,00;IT;\n"),
			"Türöffner Süd GmbH 1234.56 EUR by ida.berg@larkfield.example of Vertrieb; ZOOM.US -12.00 of IT"},
		"UTF-16 with tabs":                  {Finance, utf16LE("Supplier\tTotal\r\nMiro\t99.00\r\n"), "Miro 99.00"},
		"a UTF-8 mark, refunds in brackets": {Finance, "\xef\xbb\xbfVendor,Amount\nAdobe,100.00\nAdobe,(25.00)\n", "Adobe 75.00"},
		"a payment service alone":           {Finance, "Vendor,Amount,Memo\nPayPal,12.00,Calendly yearly\n", "Calendly yearly 12.00"},
		"Okta":                              {SignOn, "Application label,Status,Sign-on mode,Username format,Assigned users\nSalesforce,ACTIVE,SAML_2_0,Email,\"1,204\"\nOld Wiki,INACTIVE,SAML_2_0,Okta username,0\n", "Salesforce SAML_2_0 Email 1204 people; Old Wiki SAML_2_0 Okta username off"},
		"Okta's own columns":                {SignOn, "id,label,status,signOnMode,usernameTemplate\n0oa1,Salesforce,ACTIVE,SAML_2_0,${source.email}\n0oa2,Old Wiki,INACTIVE,BOOKMARK,\n", "Salesforce SAML_2_0 ${source.email}; Old Wiki BOOKMARK off"},
		"Entra":                             {SignOn, "displayName,appId,accountEnabled,preferredSingleSignOnMode\nJira,1,TRUE,saml\nBox,2,False,password\n", "Jira saml; Box password off"},
		"a survey with several in a cell":   {Survey, "Department,Tools used,How many people?,Owner\nSales,\"Salesforce, Calendly; LinkedIn\nSlack\",12,\nDesign,Figma and Slack,about 7,eve@larkfield.example\nLegal,none,,\n", "Salesforce 12 people of Sales; Calendly 12 people of Sales; LinkedIn 12 people of Sales; Slack 12 people by eve@larkfield.example of Sales,Design; Figma 7 people by eve@larkfield.example of Design"},
	} {
		found, _, err := Read(c.source, []byte(c.text), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, f := range found {
			got = append(got, show(f))
		}
		if all := strings.Join(got, "; "); all != c.want {
			t.Errorf("%s is read as\n  %s, want\n  %s", name, all, c.want)
		}
	}
}

func show(f Found) string {
	var b strings.Builder
	b.WriteString(f.Name)
	if f.Spend != 0 {
		fmt.Fprintf(&b, " %.2f", f.Spend)
	}
	for _, s := range []string{f.Currency, f.Mode, f.SignsIn} {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	if f.People > 0 {
		fmt.Fprintf(&b, " %d people", f.People)
	}
	if f.Owner != "" {
		b.WriteString(" by " + f.Owner)
	}
	if len(f.Departments) > 0 {
		b.WriteString(" of " + strings.Join(f.Departments, ","))
	}
	if f.Inactive {
		b.WriteString(" off")
	}
	return b.String()
}

func TestAPersonNamesTheColumns(t *testing.T) {
	text := []byte("Was,Wieviel\nMiro,12\n")
	if _, _, err := Read(Finance, text, nil); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), `"Was", "Wieviel"`) || !strings.Contains(err.Error(), "--column name=") {
		t.Errorf("columns that nobody knows: %v", err)
	}
	if _, _, err := Read(Finance, text, map[Column]string{Name: "Wer"}); err == nil || !strings.Contains(err.Error(), `no column is called "Wer"`) {
		t.Errorf("a column that is not there: %v", err)
	}
	found, _, err := Read(Finance, text, map[Column]string{Name: "was", Spend: "Wieviel"})
	if err != nil || len(found) != 1 || found[0].Name != "Miro" || found[0].Spend != 12 {
		t.Errorf("named: %+v %v", found, err)
	}
}

func TestWhatIsNoExportIsRefused(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "blank lines": "\n\n,,\n", "a head alone": "Vendor,Amount\n", "a picture": "\x89PNG\r\n\x1a\n\x00\x00"} {
		if found, _, err := Read(Finance, []byte(text), nil); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%s was read: %v %v", name, found, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Vendor,Amount\nSlack,1\n")
	f.Add("Department;Tools\nSales;\"a, b\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, source := range Sources {
			found, _, err := Read(source, []byte(text), nil)
			for _, one := range found {
				if err != nil || one.Name == "" || len(one.Lines) == 0 {
					t.Errorf("%q gives %+v, %v", text, one, err)
				}
			}
		}
	})
}
