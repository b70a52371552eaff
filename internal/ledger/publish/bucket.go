package publish

import (
	"context"
	"crypto/md5" //nolint:gosec // Content-MD5, which S3 asks for where an object is locked; what proves anything is SHA-256
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Lock is how objects are kept from being removed (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html).
type Lock struct {
	Mode string // COMPLIANCE or GOVERNANCE; "" for none
	Days int    // how long
}

// Bucket is a place in S3, or in what speaks it.
type Bucket struct {
	Endpoint  string // https://s3.eu-central-1.amazonaws.com
	Region    string
	Name      string
	Prefix    string                 // before the names of objects; "" for none
	PathStyle bool                   // the bucket's name stands in the path, not in the host's name
	AccessKey func() (string, error) // read anew for each request
	SecretKey func() (string, error)
	Lock      Lock
	Client    *http.Client
}

// Where is that of [Place].
func (b Bucket) Where() string { return "s3://" + b.Name + "/" + b.Prefix }

func (b Bucket) folder(origin string) string {
	return strings.TrimPrefix(strings.TrimSuffix(b.Prefix, "/")+"/"+folderOf(origin)+"/", "/")
}

// Put writes the checkpoint as an object of its own, under lock. Object lock brings versions with it, so that an object
// that is written over is still there.
func (b Bucket) Put(ctx context.Context, cp verify.Checkpoint) error {
	sum := md5.Sum(cp.Signed) //nolint:gosec // see above
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}}
	if b.Lock.Mode != "" {
		header.Set("X-Amz-Object-Lock-Mode", b.Lock.Mode)
		header.Set("X-Amz-Object-Lock-Retain-Until-Date", time.Now().UTC().AddDate(0, 0, b.Lock.Days).Format(time.RFC3339))
	}
	answer, err := b.call(ctx, http.MethodPut, b.folder(cp.Origin)+fileName(cp.Size), nil, header, cp.Signed)
	if err == nil && answer.code == "InvalidRequest" && b.Lock.Mode != "" {
		return b.unlocked()
	}
	return b.judge(answer, err, "write objects (s3:PutObject, s3:PutObjectRetention)")
}

// listing is the answer of ListObjectsV2.
type listing struct {
	Contents []struct{ Key string }
}

// AtLeast is that of [Readable]. Names stand in the order of sizes, so that a listing that begins behind the last smaller
// one has it first.
func (b Bucket) AtLeast(ctx context.Context, origin string, size int64) ([]byte, error) {
	folder := b.folder(origin)
	answer, err := b.call(ctx, http.MethodGet, "", url.Values{"list-type": {"2"}, "prefix": {folder}, "start-after": {folder + fileName(size-1)}, "max-keys": {"1"}}, nil, nil)
	if err := b.judge(answer, err, "list the bucket (s3:ListBucket)"); err != nil {
		return nil, err
	}
	var list listing
	if err := xml.Unmarshal(answer.body, &list); err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "what answers at %s does not speak S3: see endpoint and path_style", b.Endpoint).Because(err)
	}
	if len(list.Contents) == 0 {
		return nil, nil
	}
	answer, err = b.call(ctx, http.MethodGet, list.Contents[0].Key, nil, nil, nil)
	if err := b.judge(answer, err, "read objects (s3:GetObject)"); err != nil {
		return nil, err
	}
	return answer.body, nil
}

// retention is the answer of GetObjectRetention.
type retention struct {
	Mode            string
	RetainUntilDate time.Time
}

// Kept reads the retention back: a store may take the wish and keep nothing.
func (b Bucket) Kept(ctx context.Context, origin string, size int64) error {
	if b.Lock.Mode == "" {
		return nil
	}
	answer, err := b.call(ctx, http.MethodGet, b.folder(origin)+fileName(size), url.Values{"retention": {""}}, nil, nil)
	if err == nil && (answer.code == "NoSuchObjectLockConfiguration" || answer.code == "ObjectLockConfigurationNotFoundError" || answer.code == "InvalidRequest") {
		return b.unlocked()
	}
	if err := b.judge(answer, err, "read how objects are locked (s3:GetObjectRetention)"); err != nil {
		return err
	}
	var is retention
	if err := xml.Unmarshal(answer.body, &is); err != nil || is.Mode == "" {
		return b.unlocked()
	}
	if is.Mode != b.Lock.Mode && is.Mode != compliance {
		return exeunt.Errorf(exeunt.Invalid, "the checkpoint in %s is locked in the mode %s, and %s is asked for: see the rules of the bucket", b.Where(), is.Mode, b.Lock.Mode)
	}
	// A day is forgiven: it may have been put there by an earlier attempt.
	if least := time.Now().AddDate(0, 0, b.Lock.Days-1); is.RetainUntilDate.Before(least) {
		return exeunt.Errorf(exeunt.Invalid, "the checkpoint in %s is locked until %s only, and %d days are asked for: see the rules of the bucket", b.Where(), is.RetainUntilDate.Format(time.DateOnly), b.Lock.Days)
	}
	return nil
}

// compliance is the mode in which nobody at all can lift a lock.
const compliance = "COMPLIANCE"

func (b Bucket) unlocked() error {
	return exeunt.Errorf(exeunt.Invalid, "the bucket %s does not lock objects, so that whoever has its keys could remove what is published: enable Object Lock on it, or make a bucket with it; or write lock: none to do without", b.Name)
}

// answered is an answer of S3.
type answered struct {
	status int
	code   string // of an error
	body   []byte
}

// judge makes an error of an answer that is none of what was asked for. The service's own words stay out of it.
func (b Bucket) judge(a answered, err error, what string) error {
	switch {
	case err != nil:
		return err
	case a.status < 300:
		return nil
	case a.code == "NoSuchBucket":
		return exeunt.Errorf(exeunt.Invalid, "there is no bucket %s at %s: make it with Object Lock, or correct the name", b.Name, b.Endpoint)
	case a.code == "PermanentRedirect" || a.code == "AuthorizationHeaderMalformed" || a.status == http.StatusMovedPermanently:
		return exeunt.Errorf(exeunt.Invalid, "the bucket %s is in another region than %s: correct region and endpoint", b.Name, b.Region)
	case a.code == "RequestTimeTooSkewed":
		return exeunt.Errorf(exeunt.Temporary, "%s refuses us since our clocks differ: set this machine's", b.Endpoint)
	case a.code == "InvalidAccessKeyId" || a.code == "SignatureDoesNotMatch" || a.status == http.StatusUnauthorized:
		return exeunt.Errorf(exeunt.Unauthorised, "%s does not know the access key, or the secret key is wrong: correct access_key and secret_key", b.Endpoint)
	case a.status == http.StatusForbidden:
		return exeunt.Errorf(exeunt.Denied, "the access key may not %s in %s: allow it", what, b.Name)
	case a.status == http.StatusTooManyRequests || a.status >= 500:
		return exeunt.Errorf(exeunt.Temporary, "%s cannot answer now (status %d)", b.Endpoint, a.status)
	default:
		return exeunt.Errorf(exeunt.Invalid, "%s refuses to let us %s in %s (status %d): see endpoint, path_style and the bucket's rules", b.Endpoint, what, b.Name, a.status)
	}
}

// object is the address of an object, or of the bucket when it has no name.
func (b Bucket) object(name string, query url.Values) (*url.URL, error) {
	u, err := url.Parse(b.Endpoint)
	if err != nil || u.Host == "" {
		return nil, exeunt.Errorf(exeunt.Invalid, "%q is no endpoint of S3: write https://host", b.Endpoint)
	}
	u.Path = "/" + name
	if b.PathStyle {
		u.Path = "/" + b.Name + u.Path
	} else {
		u.Host = b.Name + "." + u.Host
	}
	parts := strings.Split(u.Path, "/")
	for i, part := range parts {
		parts[i] = escaped(url.QueryEscape(part))
	}
	u.RawPath, u.RawQuery = strings.Join(parts, "/"), escaped(query.Encode())
	return u, nil
}

// escaped is what Go escaped for a query as S3 wants everything, since it is signed: RFC 3986, with nothing reserved left.
func escaped(query string) string { return strings.ReplaceAll(query, "+", "%20") }
