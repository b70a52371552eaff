// Command s3server is an S3 server for tests: Versity's gateway over a folder, with versions and object lock. It is a
// module of its own, and leaves out Versity's backends that it has no use for, since building their program takes minutes.
//
//	s3server FOLDER ADDRESS ACCESS-KEY SECRET CERTIFICATE KEY
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	if len(os.Args) != 7 {
		log.Fatal("usage: s3server FOLDER ADDRESS ACCESS-KEY SECRET CERTIFICATE KEY")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := serve(ctx, os.Args[1], &embedgw.Config{
		Ports: []string{os.Args[2]}, RootUserAccess: os.Args[3], RootUserSecret: os.Args[4], CertFile: os.Args[5], KeyFile: os.Args[6],
		MaxConnections: 256, MaxRequests: 128, MultipartMaxParts: 10000, KeepAlive: true, Quiet: true,
	}); err != nil {
		log.Fatal(err)
	}
}

// serve keeps buckets, versions and attributes side by side: attributes in files, since not every file system of a
// temporary folder has extended ones.
func serve(ctx context.Context, folder string, c *embedgw.Config) error {
	in := func(name string) string { return filepath.Join(folder, name) }
	for _, name := range []string{"buckets", "versions", "attributes"} {
		if err := os.MkdirAll(in(name), 0o700); err != nil {
			return err
		}
	}
	attributes, err := meta.NewSideCar(in("attributes"))
	if err != nil {
		return err
	}
	files, err := posix.New(in("buckets"), attributes, posix.PosixOpts{SideCarDir: in("attributes"), VersioningDir: in("versions"), ForceNoTmpFile: true})
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(ctx, files, c)
}
