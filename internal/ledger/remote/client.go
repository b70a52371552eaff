package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
)

// Target says where a ledger is and how a client proves who it is.
type Target struct {
	Address     string                 // unix:///path/to/socket, or tls://host:port
	Authority   string                 // PEM file; the machine's own authorities when empty
	Certificate string                 // PEM file
	Key         func() (string, error) // PEM, read anew for each connection
}

// Client is a ledger in a process of its own. Its methods are those of [ledger.Log].
type Client struct {
	origin  string
	address string
	base    string
	http    *http.Client
}

// How long a call may take. An append waits for a disk, a packet for a checkpoint.
const (
	connectPatience = 5 * time.Second
	callPatience    = time.Minute
)

// NewClient makes a client of a log. It connects when it is used: a ledger that is away is no reason not to
// start.
func NewClient(origin string, to Target) (*Client, error) {
	scheme, address := place(to.Address)
	c := &Client{origin: origin, address: to.Address, base: "http://ledger"}
	dialer := &net.Dialer{Timeout: connectPatience}
	transport := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: callPatience, DisableCompression: true}
	switch scheme {
	case "unix":
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", address)
		}
	case "tls":
		c.base = "https://" + address
		transport.DialContext, transport.TLSHandshakeTimeout = dialer.DialContext, connectPatience
		config, err := to.tls()
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	default:
		return nil, exeunt.Errorf(exeunt.Invalid, "%q is no address of a ledger: write unix:///path/to/socket or tls://host:port", to.Address).In("ledger.address")
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

func (to Target) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13}
	if to.Authority != "" {
		pool, err := authorities(to.Authority)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		certificate, err := os.ReadFile(to.Certificate)
		if err != nil {
			return nil, err
		}
		key, err := to.Key()
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(certificate, []byte(key))
		return &pair, err
	}
	if _, err := config.GetClientCertificate(nil); err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the client certificate %s and its key cannot be used: both have to be PEM and belong together", to.Certificate).Because(err).In("ledger.certificate")
	}
	return config, nil
}

// Close gives connections back. The ledger goes on.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// VerifierKey is that of [ledger.Log].
func (c *Client) VerifierKey(ctx context.Context) (string, error) {
	h, err := c.head(ctx)
	return h.Key, err
}

// Size is that of [ledger.Log].
func (c *Client) Size(ctx context.Context) (int64, error) {
	h, err := c.head(ctx)
	return h.Size, err
}

func (c *Client) head(ctx context.Context) (h head, err error) {
	err = c.ask(ctx, "/v1/head", &h)
	return h, err
}

// Append is that of [ledger.Log]: it may be repeated.
func (c *Client) Append(ctx context.Context, list []exeunt.Record) error {
	for len(list) > 0 {
		var raw []byte
		n := 0
		for ; n < min(len(list), maxRecords) && len(raw) < maxAppend; n++ {
			if len(list[n].Body) > maxField {
				return exeunt.Errorf(exeunt.Invalid, "entry n %d cannot be logged: its body is larger than %d bytes", list[n].N, maxField)
			}
			raw = appendRecord(raw, list[n])
		}
		if _, err := c.call(ctx, http.MethodPost, "/v1/append", raw); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// Entries is that of [ledger.Log].
func (c *Client) Entries(ctx context.Context, from int64) iter.Seq2[ledger.LogEntry, error] {
	return func(yield func(ledger.LogEntry, error) bool) {
		for {
			raw, err := c.call(ctx, http.MethodGet, "/v1/entries?from="+strconv.FormatInt(from, 10), nil)
			var page [][]byte
			if err == nil {
				page, err = leaves(raw)
			}
			if err != nil {
				yield(ledger.LogEntry{}, err)
				return
			}
			for _, leaf := range page {
				if !yield(ledger.LogEntry{Index: from, Leaf: leaf}, nil) {
					return
				}
				from++
			}
			if len(page) < entryPage {
				return
			}
		}
	}
}

// Packet is that of [ledger.Log].
func (c *Client) Packet(ctx context.Context, handle string, about ...string) (p ledger.Packet, err error) {
	err = c.ask(ctx, "/v1/packet?"+url.Values{"case": {handle}, "about": about}.Encode(), &p)
	return p, err
}

// Check is that of [ledger.Log]: the ledger's process looks at what is not among its public files.
func (c *Client) Check(ctx context.Context, progress func(done, total int64)) (ledger.Checked, error) {
	return ledger.CheckAll(func() (int64, error) { return c.Size(ctx) }, progress, func(first, _ int64) (found ledger.Checked, err error) {
		err = c.ask(ctx, "/v1/check?from="+strconv.FormatInt(first, 10), &found)
		return found, err
	})
}

// Publications is that of [ledger.Log]: the ledger's process publishes by itself.
func (c *Client) Publications(ctx context.Context) (list []ledger.Publication, err error) {
	err = c.ask(ctx, "/v1/publications", &list)
	return list, err
}

// Erase is that of [ledger.Log].
func (c *Client) Erase(ctx context.Context, handle string, at int64) error {
	_, err := c.call(ctx, http.MethodPost, "/v1/erase?at="+strconv.FormatInt(at, 10), []byte(handle))
	return err
}

// ask gets a JSON answer.
func (c *Client) ask(ctx context.Context, path string, into any) error {
	raw, err := c.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return exeunt.Errorf(exeunt.Temporary, "what answers at %s is no ledger of this version", c.address).Because(err)
	}
	return nil
}

// call makes one request and reads the whole answer.
func (c *Client) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the ledger's address %s cannot be used", c.address).Because(err)
	}
	r.Header.Set(logHeader, c.origin)
	r.Header.Set("Idempotency-Key", "yes") // every verb may be repeated; see net/http.Transport
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.away(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil || len(raw) > maxAnswer {
		return nil, exeunt.Errorf(exeunt.Temporary, "the ledger's answer was cut off").Because(err)
	}
	if answer.StatusCode < 300 {
		return raw, nil
	}
	var p problem
	if json.Unmarshal(raw, &p) != nil || p.Kind == "" {
		return nil, exeunt.Errorf(exeunt.Temporary, "what answers at %s is no ledger of this version (status %d)", c.address, answer.StatusCode)
	}
	return nil, exeunt.Errorf(p.Kind, "%s", p.Message)
}

// away says why a ledger cannot be reached.
func (c *Client) away(err error) error {
	_, unknown := errors.AsType[*tls.CertificateVerificationError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	op, _ := errors.AsType[*net.OpError](err)
	why := "it does not answer"
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		why = "nothing listens there; start exeunt ledger serve"
	case errors.Is(err, syscall.EACCES):
		return exeunt.Errorf(exeunt.Denied, "the ledger at %s cannot be reached: the permissions of the socket do not let this user in", c.address).Because(err)
	case unknown, name:
		return exeunt.Errorf(exeunt.Denied, "the ledger at %s cannot be reached: its certificate is not of the authority in ledger.authority, or is for another name", c.address).Because(err)
	case op != nil && op.Op == "remote error": // a TLS alert; its type is not exported
		return exeunt.Errorf(exeunt.Denied, "the ledger at %s does not accept our certificate", c.address).Because(err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		why = fmt.Sprintf("it gave no answer within %s", callPatience)
	case errors.Is(err, context.Canceled):
		return err
	}
	return exeunt.Errorf(exeunt.Temporary, "the ledger at %s is away: %s. Entries wait in the database; it goes on by itself", c.address, why).Because(err)
}
