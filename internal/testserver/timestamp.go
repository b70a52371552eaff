package testserver

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// A TimeStampAuthority answers as `openssl ts -reply` does.
type TimeStampAuthority struct {
	URL       string
	Authority string       // PEM file with who certifies it
	Refuse    *atomic.Bool // it answers 503 while this is so
}

const timeStampConfig = `
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = %[1]s/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
crypto_device = builtin
signer_cert = %[1]s/tsa.pem
certs = %[1]s/ca.pem
signer_key = %[1]s/tsa.key
`

// TimeStamps starts a time stamp authority: OpenSSL behind a small web server.
func TimeStamps(t testing.TB) TimeStampAuthority {
	t.Helper()
	openssl, dir := need(t, OpenSSL), t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tsa.conf", fmt.Sprintf(timeStampConfig, dir))
	write("serial", "01\n")
	write("extensions", "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n")
	for _, argv := range [][]string{
		{"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", in("ca.key"), "-out", in("ca.pem"), "-days", "2", "-subj", "/CN=Test Authority", "-addext", "basicConstraints=critical,CA:TRUE"},
		{"req", "-newkey", "rsa:2048", "-nodes", "-keyout", in("tsa.key"), "-out", in("tsa.csr"), "-subj", "/CN=Test Time Stamps"},
		{"x509", "-req", "-in", in("tsa.csr"), "-CA", in("ca.pem"), "-CAkey", in("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", in("extensions"), "-out", in("tsa.pem")},
	} {
		if err := command(dir, nil, append([]string{openssl}, argv...)...); err != nil {
			t.Fatal(err)
		}
	}
	refuse := &atomic.Bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		query, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		file := filepath.Join(t.TempDir(), "query")
		if err := os.WriteFile(file, query, 0o600); err != nil {
			t.Error(err)
		}
		var answer, said bytes.Buffer
		reply := exec.CommandContext(r.Context(), openssl, "ts", "-reply", "-config", in("tsa.conf"), "-section", "tsa_config", "-queryfile", file)
		reply.Stdout, reply.Stderr = &answer, &said
		if err := reply.Run(); err != nil {
			t.Errorf("openssl ts: %v: %s", err, said.String())
			http.Error(w, "failed", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(answer.Bytes())
	}))
	t.Cleanup(server.Close)
	return TimeStampAuthority{server.URL, in("ca.pem"), refuse}
}
