package config

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/policy"
)

// PublicationFile is the file that ledger.publish of exeunt.yaml names, or exeunt ledger serve --publish: where the
// ledger's checkpoints are published.
type PublicationFile struct {
	Mail    *MailFile    `json:"mail,omitempty" jsonschema_description:"The mail server for targets of the kind mail. That of exeunt.yaml when left out; a ledger in a process of its own has none but this."`
	Targets []TargetFile `json:"targets" jsonschema:"required" remedy:"name at least one: {name, kind: file, settings: {folder: /mnt/archive}}" jsonschema_description:"Where checkpoints are published. The more of them are out of the reach of whoever runs this machine, the better."`
}

// TargetFile is a place that checkpoints are published in.
type TargetFile struct {
	Name     string             `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$" remedy:"give the target a short name, such as archive" jsonschema_description:"Short name; alerts and pages show it. With another name the ledger forgets what it published there."`
	Kind     string             `json:"kind" jsonschema:"required,enum=file,enum=mail,enum=s3" remedy:"write file, mail or s3" jsonschema_description:"file: a folder, such as a share whose files cannot be changed. mail: a mailbox. s3: a bucket that locks objects."`
	Every    *yamlfile.Duration `json:"every,omitempty" jsonschema_description:"At most one checkpoint in this time, and none when the log has not grown. 1h when left out, 24h for mail."`
	Settings any                `json:"settings" jsonschema:"required" remedy:"add the settings of its kind" jsonschema_description:"What the kind needs."`
}

// FolderFile are the settings of the kind file.
type FolderFile struct {
	Folder string `json:"folder" jsonschema:"required" remedy:"write the absolute path of a folder that exists" jsonschema_description:"Absolute path of a folder that exists, such as a mounted share. Checkpoints are added below it and never changed."`
}

// MailboxFile are the settings of the kind mail.
type MailboxFile struct {
	To []string `json:"to" jsonschema:"required" remedy:"write the addresses as a list: [archive@acme.example]" jsonschema_description:"Addresses, best of people or archives outside the department that runs this machine."`
}

// BucketFile are the settings of the kind s3.
type BucketFile struct {
	Bucket    string           `json:"bucket" jsonschema:"required" remedy:"write the name of the bucket" jsonschema_description:"Name of a bucket that was made with Object Lock."`
	Region    string           `json:"region" jsonschema:"required" remedy:"write its region, such as eu-central-1" jsonschema_description:"Region of the bucket; what a server of your own calls itself, often us-east-1."`
	Endpoint  string           `json:"endpoint,omitempty" jsonschema_description:"Address of the S3 service, such as https://minio.acme.example:9000. That of AWS in the region when left out."`
	PathStyle bool             `json:"path_style,omitempty" jsonschema_description:"The bucket's name stands in the path and not in the host's name, as servers of one's own want it."`
	Prefix    string           `json:"prefix,omitempty" jsonschema_description:"What the names of objects begin with, such as exeunt/prod."`
	AccessKey connector.Secret `json:"access_key" jsonschema:"required" remedy:"give it by reference: env:NAME or file:/path" jsonschema_description:"Access key, by reference. It has to be allowed s3:PutObject, s3:PutObjectRetention, s3:GetObject, s3:GetObjectRetention and s3:ListBucket, and nothing else."`
	SecretKey connector.Secret `json:"secret_key" jsonschema:"required" remedy:"give it by reference: env:NAME or file:/path" jsonschema_description:"Secret key, by reference."`
	Authority string           `json:"authority,omitempty" jsonschema_description:"PEM file with who certifies the endpoint: beside this file, or an absolute path. The machine's own authorities when left out."`
	Lock      string           `json:"lock,omitempty" jsonschema:"enum=compliance,enum=governance,enum=none" jsonschema_description:"compliance (default): nobody can remove what is published before its time. governance: whoever is allowed to bypass it can. none: for a service without Object Lock."`
	Days      int              `json:"days,omitempty" jsonschema_description:"How long objects are locked. Required unless lock is none; best as long as records are kept."`
}

// Publication is where checkpoints are published.
type Publication struct{ Targets []Target }

// Target is one of the places. Of Folder, Mailbox and Bucket it has that of its kind.
type Target struct {
	Name, Kind string
	Every      time.Duration
	Folder     string
	Mailbox    *Mailbox
	Bucket     *Bucket
}

// Mailbox is who is mailed to, and by which server.
type Mailbox struct {
	Server Mail
	To     []string
}

// Bucket is a bucket of S3.
type Bucket struct {
	Endpoint, Region, Name, Prefix string
	PathStyle                      bool
	AccessKey, SecretKey           connector.Secret
	Roots                          *x509.CertPool // nil for those of the machine
	Mode                           string         // COMPLIANCE, GOVERNANCE, or "" for no lock
	Days                           int
}

// LoadPublication reads the file for a ledger that is a process of its own. What would only be a warning for a check, such
// as a secret that is not set, is an error here.
func LoadPublication(file string) (Publication, Faults) {
	l := &loader{dir: filepath.Dir(file), config: &Config{Files: map[string]string{}}, content: sha256.New()}
	doc, ok := l.expanded(filepath.Base(file))
	if !ok {
		return Publication{}, l.faults
	}
	out := l.targets(doc)
	return out, doc.Faults().Sorted().ForServing().Errors()
}

// publication reads where a ledger within the server publishes.
func (l *loader) publication() {
	name := l.file.Ledger.Publish
	if name == "" {
		return
	}
	report := func(what, remedy string) {
		l.mainDoc.Report(yamlfile.Problem{Path: "ledger.publish", What: what, Remedy: remedy})
	}
	if l.file.Ledger.Address != "" {
		report("the ledger is a process of its own, which publishes itself", "give the file to exeunt ledger serve --publish, and take it out here")
		return
	}
	if !filepath.IsLocal(name) {
		report(fmt.Sprintf("%q is not a file in this folder", name), "put it beside exeunt.yaml and write its name")
		return
	}
	if doc, ok := l.expanded(name); ok {
		l.docs = append(l.docs, doc)
		l.config.Ledger.Publish = l.targets(doc)
	}
}

// targets reads the places that a document names.
func (l *loader) targets(doc *yamlfile.File) Publication {
	if !doc.Readable() {
		return Publication{}
	}
	var file PublicationFile
	doc.Decode(&file)
	doc.Report(secretProblems("", &file)...)
	server := l.config.Mail
	if file.Mail != nil {
		doc.Report(file.Mail.problems()...)
		server = file.Mail.server()
	}
	if doc.Has("targets") && len(file.Targets) == 0 {
		doc.Report(yamlfile.Problem{Path: "targets", What: "there is no target", Remedy: "name at least one, or leave ledger.publish out"})
	}
	var out Publication
	names := map[string]bool{}
	for i, f := range file.Targets {
		path := fmt.Sprintf("targets[%d]", i)
		doc.Report(nameProblems(path+".name", f.Name, names)...)
		t := Target{Name: f.Name, Kind: f.Kind, Every: length(f.Every, usually(f.Kind))}
		if t.Every < time.Minute {
			doc.Report(yamlfile.Problem{Path: path + ".every", What: "this is more often than a checkpoint is of use", Remedy: "write 1m or more"})
		}
		l.place(doc, path, &t, server)
		out.Targets = append(out.Targets, t)
	}
	return out
}

// usually is how often is published in a kind of place: mail is read by people.
func usually(kind string) time.Duration {
	if kind == "mail" {
		return 24 * time.Hour
	}
	return time.Hour
}

// place reads the settings of a target.
func (l *loader) place(doc *yamlfile.File, path string, t *Target, server *Mail) {
	at := path + ".settings"
	switch t.Kind {
	case "file":
		var f FolderFile
		decodeInto(doc, at, &f)
		if f.Folder != "" && !filepath.IsAbs(f.Folder) {
			doc.Report(yamlfile.Problem{Path: at + ".folder", What: fmt.Sprintf("%q is not an absolute path", f.Folder), Remedy: "begin it with /"})
		}
		t.Folder = f.Folder
	case "mail":
		var f MailboxFile
		decodeInto(doc, at, &f)
		for i, to := range f.To {
			if !policy.IsAddress(to) {
				doc.Report(yamlfile.Problem{Path: fmt.Sprintf("%s.to[%d]", at, i), What: "this is not an e-mail address", Remedy: "write it as name@company.example"})
			}
		}
		if server == nil {
			doc.Report(yamlfile.Problem{Path: path + ".kind", What: "there is no mail server to send by", Remedy: "add mail: {host, from} to this file"})
			return
		}
		t.Mailbox = &Mailbox{Server: *server, To: f.To}
	case "s3":
		var f BucketFile
		decodeInto(doc, at, &f)
		doc.Report(f.problems(at)...)
		t.Bucket = &Bucket{
			Endpoint: strings.TrimSuffix(cmp.Or(f.Endpoint, "https://s3."+f.Region+".amazonaws.com"), "/"), Region: f.Region, Name: f.Bucket, Prefix: f.Prefix, PathStyle: f.PathStyle,
			AccessKey: f.AccessKey, SecretKey: f.SecretKey, Roots: l.authorities(doc, at, f.Authority), Mode: lockModes[f.Lock], Days: f.Days,
		}
	}
}

var lockModes = map[string]string{"": "COMPLIANCE", "compliance": "COMPLIANCE", "governance": "GOVERNANCE", "none": ""}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func (f BucketFile) problems(at string) []yamlfile.Problem {
	var out []yamlfile.Problem
	add := func(path, what, remedy string) {
		out = append(out, yamlfile.Problem{Path: at + "." + path, What: what, Remedy: remedy})
	}
	if f.Bucket != "" && !bucketPattern.MatchString(f.Bucket) {
		add("bucket", fmt.Sprintf("%q cannot be the name of a bucket", f.Bucket), "write 3 to 63 small letters, digits, dots and hyphens")
	} else if strings.Contains(f.Bucket, ".") && !f.PathStyle {
		add("bucket", "a name with dots fits no certificate when it stands before the host's", "set path_style: true")
	}
	out = append(out, endpointProblems(at+".endpoint", f.Endpoint)...)
	if strings.HasPrefix(f.Prefix, "/") || strings.Contains(f.Prefix, "//") {
		add("prefix", "it would begin with an empty name", "write it without the first /")
	}
	if f.Days < 0 || f.Days > 36500 || f.Days == 0 && f.Lock != "none" {
		add("days", "it is not said for how many days objects are locked", "write days: 3650 for ten years; in the mode compliance nobody can shorten it")
	}
	return out
}

// endpointProblems wants https, except on this machine.
func endpointProblems(path, endpoint string) []yamlfile.Problem {
	u, err := url.Parse(endpoint)
	switch {
	case endpoint == "":
		return nil
	case err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return []yamlfile.Problem{{Path: path, What: "this is not the address of a service", Remedy: "write https://host, without a path"}}
	case u.Scheme != "https" && (u.Scheme != "http" || !onThisMachine(u.Hostname())):
		return []yamlfile.Problem{{Path: path, What: "what is published could be exchanged on its way", Remedy: "begin it with https://"}}
	}
	return nil
}

// authorities reads who certifies an endpoint.
func (l *loader) authorities(doc *yamlfile.File, at, name string) *x509.CertPool {
	if name == "" {
		return nil
	}
	file := name
	if !filepath.IsAbs(name) {
		file = filepath.Join(l.dir, name)
	}
	pem, err := os.ReadFile(file)
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		doc.Report(yamlfile.Problem{Path: at + ".authority", What: "there is no certificate of an authority in PEM in this file", Remedy: "put the file beside this one and write its name, or its absolute path"})
		return nil
	}
	fmt.Fprintf(l.content, "%s\n%d\n", name, len(pem))
	l.content.Write(pem)
	return roots
}
