package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/config"
)

const publishFile = `mail: {host: smtp.acme.example, from: Exeunt <exeunt@acme.example>}
targets:
  - name: share
    kind: file
    every: 15m
    settings: {folder: /mnt/worm}
  - name: audit
    kind: mail
    settings: {to: [archive@auditor.example]}
  - name: archive
    kind: s3
    settings:
      bucket: acme-ledger
      region: eu-central-1
      access_key: env:CONFIG_TEST_SECRET
      secret_key: env:CONFIG_TEST_SECRET
      days: 3650
`

// publishing is a good configuration whose server keeps the ledger itself and publishes.
func publishing() map[string]string {
	files := folder()
	files["exeunt.yaml"] = strings.Replace(mainFile, `{address: "unix:///run/exeunt-ledger/ledger.sock"}`, "{publish: publish.yaml}", 1)
	files["publish.yaml"] = publishFile
	return files
}

func TestWhereIsPublished(t *testing.T) {
	c, faults := load(t, publishing())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	dir := write(t, publishing())
	alone, faults := config.LoadPublication(filepath.Join(dir, "publish.yaml")) // by a ledger that is a process of its own
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for who, p := range map[string]config.Publication{"the server": c.Ledger.Publish, "the ledger": alone} {
		if len(p.Targets) != 3 {
			t.Fatalf("%s: %+v", who, p)
		}
		share, audit, archive := p.Targets[0], p.Targets[1], p.Targets[2]
		if share.Folder != "/mnt/worm" || share.Every != 15*time.Minute || share.Mailbox != nil || share.Bucket != nil {
			t.Errorf("%s: %+v", who, share)
		}
		if audit.Mailbox == nil || audit.Mailbox.Server.Host != "smtp.acme.example" || audit.Mailbox.Server.Port != 587 || audit.Every != 24*time.Hour {
			t.Errorf("%s: %+v", who, audit)
		}
		b := archive.Bucket
		if b == nil || b.Endpoint != "https://s3.eu-central-1.amazonaws.com" || b.Mode != "COMPLIANCE" || b.Days != 3650 || b.PathStyle || archive.Every != time.Hour {
			t.Errorf("%s: %+v", who, b)
		}
	}
	files := publishing()
	files["publish.yaml"] = strings.Replace(publishFile, "every: 15m", "every: 20m", 1)
	if other, _ := load(t, files); other.Version == c.Version || other.Files["publish.yaml"] == "" {
		t.Error("another publication is not another configuration")
	}
	files["publish.yaml"] = strings.Join(strings.SplitAfter(publishFile, "\n")[1:], "")
	if own, faults := load(t, files); len(faults) > 0 || own.Ledger.Publish.Targets[1].Mailbox.Server.Username != "exeunt" {
		t.Errorf("without a mail server of its own it takes that of exeunt.yaml: %v", faults)
	}
}

func TestEveryFaultOfAPublicationIsSaid(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"a ledger elsewhere", "exeunt.yaml", "{publish: publish.yaml}", "{publish: publish.yaml, address: unix:///run/l.sock}", "ledger.publish: the ledger is a process of its own, which publishes itself; give the file to exeunt ledger serve --publish"},
		{"outside", "exeunt.yaml", "publish.yaml", "../publish.yaml", `ledger.publish: "../publish.yaml" is not a file in this folder`},
		{"missing", "exeunt.yaml", "publish.yaml", "other.yaml", "other.yaml: this file cannot be read: it does not exist"},
		{"no targets", "publish.yaml", publishFile, "targets: []\n", "publish.yaml:1:10: targets: there is no target"},
		{"a kind", "publish.yaml", "kind: s3", "kind: ftp", `publish.yaml:11:11: targets[2].kind: "ftp" is not possible here; use one of file, mail, s3`},
		{"a name twice", "publish.yaml", "name: audit", "name: share", "publish.yaml:7:11: targets[1].name: share stands here twice"},
		{"too often", "publish.yaml", "15m", "15s", "publish.yaml:5:12: targets[0].every: this is more often than"},
		{"a relative folder", "publish.yaml", "/mnt/worm", "worm", `publish.yaml:6:24: targets[0].settings.folder: "worm" is not an absolute path`},
		{"another kind's setting", "publish.yaml", "{folder: /mnt/worm}", "{bucket: worm}", "targets[0].settings.bucket: there is no such key here"},
		{"no address", "publish.yaml", "archive@auditor.example", "archive", "publish.yaml:9:21: targets[1].settings.to[0]: this is not an e-mail address"},
		{"a bucket", "publish.yaml", "acme-ledger", "ACME", `publish.yaml:13:15: targets[2].settings.bucket: "ACME" cannot be the name of a bucket`},
		{"dots", "publish.yaml", "acme-ledger", "acme.ledger", "set path_style: true"},
		{"no days", "publish.yaml", "      days: 3650\n", "", "targets[2].settings.days: it is not said for how many days"},
		{"no lock, no days", "publish.yaml", "days: 3650", "lock: none", ""},
		{"a lock", "publish.yaml", "days: 3650", "lock: forever", `targets[2].settings.lock: "forever" is not possible here`},
		{"in the clear", "publish.yaml", "days: 3650", "days: 1\n      endpoint: http://minio.acme.example", "targets[2].settings.endpoint: what is published could be exchanged on its way"},
		{"on this machine", "publish.yaml", "days: 3650", "days: 1\n      endpoint: http://127.0.0.1:9000", ""},
		{"no authority", "publish.yaml", "days: 3650", "days: 1\n      authority: ca.pem", "targets[2].settings.authority: there is no certificate of an authority in PEM"},
		{"a literal secret", "publish.yaml", "secret_key: env:CONFIG_TEST_SECRET", "secret_key: hunter2", "targets[2].settings.secret_key: a secret is given by reference"},
		{"a secret that is not there", "publish.yaml", "secret_key: env:CONFIG_TEST_SECRET", "secret_key: env:CONFIG_TEST_NONE", "warning: targets[2].settings.secret_key: the secret env:CONFIG_TEST_NONE is not set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := publishing()
			files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1)
			_, faults := load(t, files)
			if !strings.Contains(faults.Error(), c.want) || (c.want == "") != (len(faults) == 0) {
				t.Errorf("got:\n%v\nwant: %s", faults, c.want)
			}
			if strings.Contains(faults.Error(), "hunter2") {
				t.Errorf("a fault repeats a secret:\n%v", faults)
			}
			if c.file != "publish.yaml" {
				return
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "publish.yaml"), []byte(files[c.file]), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, faults := config.LoadPublication(filepath.Join(dir, "publish.yaml")); (c.want == "") != (len(faults) == 0) {
				t.Errorf("a ledger of its own says: %v", faults)
			}
		})
	}
	alone := filepath.Join(t.TempDir(), "publish.yaml")
	if err := os.WriteFile(alone, []byte(strings.Join(strings.SplitAfter(publishFile, "\n")[1:9], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, faults := config.LoadPublication(alone); !strings.Contains(faults.Error(), "publish.yaml:7:11: targets[1].kind: there is no mail server to send by; add mail") {
		t.Errorf("a ledger of its own without a mail server: %v", faults)
	}
}
