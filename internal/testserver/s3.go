package testserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// S3Store is a running S3 server that keeps versions and locks objects: Versity's gateway, see s3/main.go.
type S3Store struct {
	URL       string
	Authority string // PEM file with who signed its certificate
	Region    string
	AccessKey string
	Secret    string

	client *http.Client
}

// S3 starts an S3 server without buckets.
func S3(t testing.TB) S3Store {
	t.Helper()
	serve := need(t, ObjectStore)
	certificates, err := newCertificate(t.TempDir(), "127.0.0.1", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	store := S3Store{Authority: certificates.CA, Region: "us-east-1", AccessKey: "exeunt", Secret: "of-a-test-only"}
	if store.client, err = trusting(certificates.CA); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.client.CloseIdleConnections)
	run(t, recipe{
		name: "s3server", stop: "TERM", within: time.Minute,
		prepare: func(dir string) ([]string, error) {
			port, err := freePort()
			store.URL = fmt.Sprintf("https://localhost:%d", port)
			return []string{serve, dir, fmt.Sprintf("127.0.0.1:%d", port), store.AccessKey, store.Secret, certificates.Cert, certificates.Key}, err
		},
		answers: func(ctx context.Context) error {
			status, err := store.Do(ctx, http.MethodGet, "/", nil)
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("it answered %d", status)
			}
			return err
		},
	})
	return store
}

// Bucket makes a bucket, with object lock or without.
func (s S3Store) Bucket(t testing.TB, name string, locked bool) {
	t.Helper()
	header := http.Header{}
	if locked {
		header.Set("X-Amz-Bucket-Object-Lock-Enabled", "true")
	}
	if status, err := s.Do(t.Context(), http.MethodPut, "/"+name, header); err != nil || status != http.StatusOK {
		t.Fatalf("no bucket could be made: %d, %v", status, err)
	}
}

// Do makes a signed request without a body, such as somebody who has the keys could, and says how it was answered.
func (s S3Store) Do(ctx context.Context, method, path string, header http.Header) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, nil)
	if err != nil {
		return 0, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	empty := sha256.Sum256(nil)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(empty[:]))
	keys := aws.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: s.Secret}
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(empty[:]), "s3", s.Region, time.Now()); err != nil {
		return 0, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
