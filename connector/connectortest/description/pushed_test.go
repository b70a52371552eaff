package description_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
)

func TestPushedTellsRightFromWrong(t *testing.T) {
	token := func(header, claims string) string {
		b := base64.RawURLEncoding
		return b.EncodeToString([]byte(header)) + "." + b.EncodeToString([]byte(claims)) + ".c2ln"
	}
	const header = `{"typ":"secevent+jwt","alg":"ES256"}`
	const claims = `{"iss":"i","iat":1,"jti":"j","aud":"a","sub_id":{"format":"opaque","id":"1"},"events":{"e":{}}}`
	for _, c := range []struct {
		name, body, answer string
		status             int
		wrong              string
	}{
		{"as it should be", token(header, claims), "", 202, ""},
		{"refused", token(header, claims), `{"err":"invalid_audience","description":"no"}`, 400, ""},
		{"refused without a word", token(header, claims), `{}`, 400, "says err"},
		{"answered 200", token(header, claims), "", 200, "empty 202"},
		{"of another type", token(`{"typ":"JWT","alg":"ES256"}`, claims), "", 202, "of the type"},
		{"not signed", token(`{"typ":"secevent+jwt","alg":"none"}`, claims), "", 202, "no signed one"},
		{"about nobody", token(header, strings.Replace(claims, "sub_id", "sub_ID", 1)), "", 202, "lacks"},
		{"that ends", token(header, strings.Replace(claims, `"iat"`, `"exp":2,"iat"`, 1)), "", 202, "exp or sub"},
		{"of two events", token(header, strings.Replace(claims, `"e":{}`, `"e":{},"f":{}`, 1)), "", 202, "not one event"},
	} {
		faults := strings.Join(description.Pushed("/events").Judge(connectortest.Exchange{
			Method: "POST", URL: address(t, "/events"), Header: http.Header{"Content-Type": {"application/secevent+jwt"}, "Accept": {"application/json"}},
			Body: []byte(c.body), Status: c.status, Answer: []byte(c.answer),
		}).Faults, "; ")
		if (faults == "") != (c.wrong == "") || !strings.Contains(faults, c.wrong) {
			t.Errorf("%s: %q, want %q", c.name, faults, c.wrong)
		}
	}
}
