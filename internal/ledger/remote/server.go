package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
)

// Options say where a ledger listens and who may use it.
type Options struct {
	// Address is unix:///path/to/socket, or tls://host:port.
	Address string
	// Allow lists who may use it. On a socket: users, by name or number; our own when empty. Over TLS:
	// names in client certificates; whoever has one of the authority's when empty.
	Allow []string
	// Certificate, Key and ClientAuthority are PEM files, for TLS. They are read anew for each
	// connection, so that renewed ones are taken up.
	Certificate, Key, ClientAuthority string
	Logger                            *slog.Logger
}

// Server serves a ledger.
type Server struct {
	listener net.Listener
	http     *http.Server
	logger   *slog.Logger
	close    func()
	closed   chan struct{}
}

// Open listens. Nothing is answered before Serve.
func Open(ctx context.Context, log *ledger.Log, o Options) (*Server, error) {
	s := &Server{logger: o.Logger, closed: make(chan struct{})}
	s.close = sync.OnceFunc(s.shutdown)
	refuse := func(*http.Request) error { return nil }
	scheme, address := place(o.Address)
	var err error
	switch scheme {
	case "unix":
		var allowed []uint32
		if allowed, err = users(o.Allow); err == nil {
			refuse = func(r *http.Request) error { return refuseUser(r, allowed) }
			s.listener, err = listenUnix(ctx, address)
		}
	case "tls":
		refuse = func(r *http.Request) error { return refuseName(r, o.Allow) }
		s.listener, err = listenTLS(ctx, address, o)
	default:
		err = exeunt.Errorf(exeunt.Invalid, "%q is no address for a ledger: write unix:///path/to/socket or tls://host:port", o.Address)
	}
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler: newHandler(log, refuse, s.failed), ConnContext: withPeer, ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 5 * time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	return s, nil
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Serve answers until Close, and returns when the last answer is given.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return exeunt.Errorf(exeunt.Temporary, "the ledger can take no more calls").Because(err)
	}
	<-s.closed
	return nil
}

const closePatience = 5 * time.Second

// Close lets answers that are under way finish for a while.
func (s *Server) Close() { s.close() }

func (s *Server) shutdown() {
	defer close(s.closed)
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
	}
}

// failed logs what was not done. Messages of ours hold nothing of an entry. Whoever left before the answer asks again:
// an append may be repeated.
func (s *Server) failed(r *http.Request, err error) {
	level, what := slog.LevelError, "not done: "+exeunt.MessageOf(err)
	switch exeunt.KindOf(err) {
	case exeunt.NotFound:
		level = slog.LevelDebug
	case exeunt.Denied, exeunt.Invalid, exeunt.Conflict:
		level = slog.LevelWarn
	default: // the others are ours to see to
	}
	if level == slog.LevelError && left(r, err) { // a fork is one, whoever has left
		level, what = slog.LevelInfo, "the caller left before the answer; what it sent may be done all the same, and it may ask again"
	}
	cause := errors.Unwrap(err)
	if _, ours := errors.AsType[*exeunt.Error](err); !ours {
		cause = err
	}
	s.logger.Log(r.Context(), level, what, "verb", r.URL.Path, "from", callerOf(r), "cause", cause)
}

// left says whether an error is that the caller is gone, and none of ours.
func left(r *http.Request, err error) bool {
	return r.Context().Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF)
}

// ---- Unix socket

// listenUnix makes the socket. One that a killed ledger left behind is replaced; one that somebody
// listens at is not.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if path == "" || path[0] != '/' {
		return nil, exeunt.Errorf(exeunt.Invalid, "the path of the ledger's socket has to begin with a slash: unix:///run/exeunt-ledger/ledger.sock")
	}
	if c, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
		_ = c.Close()
		return nil, exeunt.Errorf(exeunt.Conflict, "somebody listens at %s already: stop it first", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		_ = os.Remove(path) // listening says if that failed
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the ledger cannot listen at %s: see that the folder exists and that the ledger's user may write to it", path).Because(err)
	}
	// Group and folder say who reaches the socket at all; the handler then asks the kernel who it is.
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // a socket is there for its group
		_ = l.Close()
		return nil, exeunt.Errorf(exeunt.Invalid, "the permissions of %s cannot be set", path).Because(err)
	}
	return l, nil
}

// users turns names and numbers into numbers.
func users(names []string) ([]uint32, error) {
	if len(names) == 0 {
		return []uint32{uint32(os.Geteuid())}, nil
	}
	var out []uint32
	for _, name := range names {
		id := name
		if _, err := strconv.Atoi(name); err != nil {
			u, err := user.Lookup(name)
			if err != nil {
				return nil, exeunt.Errorf(exeunt.Invalid, "there is no user %q on this machine, who shall be allowed to use the ledger", name).Because(err)
			}
			id = u.Uid
		}
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "%q is no user", name)
		}
		out = append(out, uint32(n))
	}
	return out, nil
}

type peerKey struct{}

// peer is who is at the other end of a connection. The kernel's word is taken once.
type peer func() (uid uint32, err error)

func withPeer(ctx context.Context, c net.Conn) context.Context {
	unix, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, peer(sync.OnceValues(func() (uint32, error) { return peerOf(unix) })))
}

func refuseUser(r *http.Request, allowed []uint32) error {
	ask, ok := r.Context().Value(peerKey{}).(peer)
	if !ok {
		return exeunt.Errorf(exeunt.Denied, "the ledger does not know who calls")
	}
	uid, err := ask()
	if err != nil {
		return exeunt.Errorf(exeunt.Denied, "the ledger cannot find out who calls").Because(err)
	}
	if !slices.Contains(allowed, uid) {
		return exeunt.Errorf(exeunt.Denied, "user %d may not use this ledger: run exeunt under the user that it allows, or start it with --allow", uid)
	}
	return nil
}

// ---- TLS

func listenTLS(ctx context.Context, address string, o Options) (net.Listener, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"http/1.1"}}
	fresh := func(*tls.ClientHelloInfo) (*tls.Config, error) {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "the ledger's certificate %s and key %s cannot be used: both have to be PEM files that belong together", o.Certificate, o.Key).Because(err)
		}
		c := config.Clone()
		c.Certificates = []tls.Certificate{pair}
		c.ClientCAs, err = authorities(o.ClientAuthority)
		return c, err
	}
	if _, err := fresh(nil); err != nil {
		return nil, err // now, and not at the first call
	}
	config.GetConfigForClient = fresh
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the ledger cannot listen at %s: choose another address with --listen", address).Because(err)
	}
	return tls.NewListener(l, config), nil
}

func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		return nil, exeunt.Errorf(exeunt.Invalid, "%s holds no certificate of an authority in PEM", file).Because(err)
	}
	return pool, nil
}

// refuseName is asked after the handshake: the certificate is one of the authority's.
func refuseName(r *http.Request, allowed []string) error {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return exeunt.Errorf(exeunt.Denied, "the ledger wants a client certificate")
	}
	if len(allowed) == 0 {
		return nil
	}
	for _, name := range r.TLS.PeerCertificates[0].DNSNames {
		if slices.Contains(allowed, name) {
			return nil
		}
	}
	return exeunt.Errorf(exeunt.Denied, "the client certificate names nobody who may use this ledger: see its --allow")
}

// callerOf names who called, for the log.
func callerOf(r *http.Request) string {
	if ask, ok := r.Context().Value(peerKey{}).(peer); ok {
		if uid, err := ask(); err == nil {
			return "user " + strconv.FormatUint(uint64(uid), 10)
		}
	}
	return r.RemoteAddr
}
