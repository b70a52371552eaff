// Package stamp gets time stamps from an authority and checks them offline: RFC 3161. A stamp says that something existed
// at a time, in the word of somebody who has nothing to do with whoever runs this server.
package stamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
	"github.com/exeunt/exeunt"
)

// Stamp is what a token says, once it holds.
type Stamp struct {
	At        time.Time
	Authority string // whom the certificate names
}

const (
	answerTime = 30 * time.Second
	maxAnswer  = 1 << 20
)

// Authority is one that is asked.
type Authority struct {
	URL   string
	Roots *x509.CertPool // its authorities; what does not hold under them is not taken
}

// Ask gets a token over data. Only the SHA-256 of data leaves the machine.
func (a Authority) Ask(ctx context.Context, data []byte) (token []byte, s Stamp, err error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, s, exeunt.Errorf(exeunt.Internal, "no random number for a time stamp").Because(err)
	}
	request, err := timestamp.CreateRequest(bytes.NewReader(data), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true, Nonce: nonce})
	if err != nil {
		return nil, s, exeunt.Errorf(exeunt.Internal, "the request for a time stamp could not be made").Because(err)
	}
	raw, err := a.post(ctx, request)
	if err != nil {
		return nil, s, err
	}
	answer, err := timestamp.ParseResponse(raw)
	if err != nil {
		return nil, s, exeunt.Errorf(exeunt.Temporary, "what the time stamp authority answered is no time stamp, or it refused").Because(err)
	}
	if answer.Nonce == nil || answer.Nonce.Cmp(nonce) != 0 {
		return nil, s, exeunt.Errorf(exeunt.Temporary, "the time stamp authority answered another request than ours")
	}
	s, err = Check(answer.RawToken, data, a.Roots)
	if err != nil {
		return nil, s, exeunt.Errorf(exeunt.Temporary, "the time stamp does not hold: %s", exeunt.MessageOf(err)).Because(err)
	}
	return answer.RawToken, s, nil
}

func (a Authority) post(ctx context.Context, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(request))
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the address of the time stamp authority cannot be used").Because(err)
	}
	r.Header.Set("Content-Type", "application/timestamp-query") // RFC 3161, section 3.4
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Temporary, "the time stamp authority does not answer").Because(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil, exeunt.Errorf(exeunt.Temporary, "the time stamp authority answered with status %d", answer.StatusCode).Because(err)
	}
	return raw, nil
}

// Check says what a token over data proves, under authorities that the reader trusts. It needs no network: certificates are
// those in the token, and they have to have been valid when it was made.
func Check(token, data []byte, roots *x509.CertPool) (Stamp, error) {
	parsed, err := timestamp.Parse(token) // which checks the signature when there is a certificate
	if err != nil || len(parsed.Certificates) == 0 {
		return Stamp{}, exeunt.Errorf(exeunt.Invalid, "it is no time stamp, its signature is wrong, or it names no certificate").Because(err)
	}
	sum := sha256.Sum256(data)
	if parsed.HashAlgorithm != crypto.SHA256 || !bytes.Equal(parsed.HashedMessage, sum[:]) {
		return Stamp{}, exeunt.Errorf(exeunt.Invalid, "it is a time stamp of something else")
	}
	signed, err := pkcs7.Parse(token)
	if err != nil {
		return Stamp{}, exeunt.Errorf(exeunt.Invalid, "it is no time stamp").Because(err)
	}
	signer := signed.GetOnlySigner()
	if signer == nil || !slices.Contains(signer.ExtKeyUsage, x509.ExtKeyUsageTimeStamping) { // RFC 3161, section 2.3
		return Stamp{}, exeunt.Errorf(exeunt.Invalid, "whoever signed it is not certified for time stamps")
	}
	if roots == nil {
		roots = x509.NewCertPool() // nobody: not whomever the machine trusts
	}
	if err := signed.VerifyWithChainAtTime(roots, parsed.Time); err != nil {
		return Stamp{}, exeunt.Errorf(exeunt.Invalid, "it is not signed by an authority that is trusted here").Because(err)
	}
	return Stamp{parsed.Time.UTC(), signer.Subject.CommonName}, nil
}

// Roots reads authorities in PEM.
func Roots(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, exeunt.Errorf(exeunt.Invalid, "there is no certificate of an authority in PEM")
	}
	return pool, nil
}
