package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/exeunt/exeunt"
)

const (
	maxAnswer = 64 << 10
	callTime  = 20 * time.Second
)

// call makes one signed request. Bodies are small, so that they are signed whole and no chunk needs a signature.
func (b Bucket) call(ctx context.Context, method, name string, query url.Values, header http.Header, body []byte) (answered, error) {
	u, err := b.object(name, query)
	if err != nil {
		return answered{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return answered{}, exeunt.Errorf(exeunt.Invalid, "%q is no endpoint of S3: write https://host", b.Endpoint).Because(err)
	}
	for field, values := range header {
		r.Header[field] = values
	}
	if err := b.sign(ctx, r, body); err != nil {
		return answered{}, err
	}
	answer, err := b.Client.Do(r)
	if err != nil {
		return answered{}, b.away(err)
	}
	defer answer.Body.Close()
	out := answered{status: answer.StatusCode}
	if out.body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer)); err != nil {
		return out, b.away(err)
	}
	if out.status >= 300 {
		var fault struct{ Code string }
		_ = xml.Unmarshal(out.body, &fault) // without a code the status has to do
		out.code = fault.Code
	}
	return out, nil
}

// sign adds what Signature Version 4 asks for.
func (b Bucket) sign(ctx context.Context, r *http.Request, body []byte) error {
	access, err := b.AccessKey()
	if err != nil {
		return err
	}
	secret, err := b.SecretKey()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", digest)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // S3 escapes a path once
	if err := signer.SignHTTP(ctx, aws.Credentials{AccessKeyID: access, SecretAccessKey: secret}, r, digest, "s3", b.Region, time.Now()); err != nil {
		return exeunt.Errorf(exeunt.Internal, "the request to %s cannot be signed", b.Endpoint).Because(err)
	}
	return nil
}

// away says why there was no answer.
func (b Bucket) away(err error) error {
	if _, unknown := errors.AsType[*tls.CertificateVerificationError](err); unknown {
		return exeunt.Errorf(exeunt.Denied, "the certificate of %s is of no authority that this machine knows, or for another name: name its authority", b.Endpoint).Because(err)
	}
	return exeunt.Errorf(exeunt.Temporary, "%s does not answer", b.Endpoint).Because(err)
}
