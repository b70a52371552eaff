package main

import (
	"context"
	"log/slog"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/remote"
	"github.com/spf13/cobra"
)

const ledgerServeHelp = `Run the ledger in a process of its own, under a user of its own, so that whoever takes over the server has
neither the signing key nor the log. The server finds it by one line of its configuration:

  ledger: {address: unix:///run/exeunt-ledger/ledger.sock}

On a socket the kernel says who calls, and --allow names the users that may (this process's own when left out). For
another machine listen at tls://HOST:PORT, with a certificate on both sides; --allow then names those in client
certificates (every certificate of the authority when left out).`

func ledgerServeCommand(c *console) *cobra.Command {
	var o remote.Options
	var dir, origin, witnesses, publish string
	var verbose bool
	cmd := &cobra.Command{
		Use: "serve --ledger DIR --origin NAME --listen ADDRESS", Short: "Run the ledger as a process of its own", Long: ledgerServeHelp, Args: cobra.NoArgs,
		Example: "  exeunt ledger serve --ledger /var/lib/exeunt-ledger --origin exeunt.example.com/ledger --listen unix:///run/exeunt-ledger/ledger.sock --allow exeunt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Logger = newLog(c.err, verbose, c.json)
			policy, err := readPolicy(witnesses)
			if err != nil {
				return err
			}
			var where config.Publication
			if publish != "" {
				var faults config.Faults
				if where, faults = config.LoadPublication(publish); len(faults) > 0 {
					return exeunt.Errorf(exeunt.Invalid, "%s has faults:\n%s", publish, faults.Error())
				}
			}
			return serveLedger(cmd.Context(), c, dir, origin, policy, where, o)
		},
	}
	cmd.Flags().StringVar(&dir, "ledger", "", "folder of the ledger; made at the first start, with a new signing key")
	cmd.Flags().StringVar(&origin, "origin", "", "name of the log, as ledger.origin of the configuration says")
	cmd.Flags().StringVar(&o.Address, "listen", "", "unix:///path/to/socket, or tls://host:port")
	cmd.Flags().StringSliceVar(&o.Allow, "allow", nil, "users who may use it, or names in client certificates")
	cmd.Flags().StringVar(&o.Certificate, "certificate", "", "for tls: PEM file with the ledger's certificate")
	cmd.Flags().StringVar(&o.Key, "key", "", "for tls: PEM file with its key")
	cmd.Flags().StringVar(&o.ClientAuthority, "client-authority", "", "for tls: PEM file with the authority of client certificates")
	cmd.Flags().StringVar(&witnesses, "witnesses", "", "file with the policy of who cosigns checkpoints, as ledger.witnesses of the configuration")
	cmd.Flags().StringVar(&publish, "publish", "", "file that says where checkpoints are published, as ledger.publish of the configuration")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every detail")
	for _, name := range []string{"ledger", "origin", "listen"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

// serveLedger serves until the context ends.
func serveLedger(ctx context.Context, c *console, dir, origin, witnesses string, where config.Publication, o remote.Options) (err error) {
	log, err := ledger.Open(ctx, dir, origin, ledger.Options{Witnesses: witnesses, Logger: o.Logger})
	if err != nil {
		return err
	}
	defer func() {
		if closed := log.Close(); closed != nil {
			o.Logger.Warn("the ledger did not close cleanly; what was reported as logged is there", slog.Any("error", closed))
		}
	}()
	server, err := remote.Open(ctx, log, o)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, server.Close)
	defer stop()
	publishing, end := context.WithCancel(ctx)
	var published sync.WaitGroup
	published.Go(func() { app.Publisher(log, where, o.Logger).Run(publishing) })
	defer published.Wait()
	defer end()
	key, err := log.VerifierKey(ctx)
	if err != nil {
		return err
	}
	c.note("The ledger %s listens at %s. Its key, for auditors: %s", origin, server.Address(), key)
	return server.Serve()
}
