package bench

import (
	"testing"

	"github.com/exeunt/exeunt/internal/testserver"
)

// A measurement of nothing much, which is not read: whether it runs, on both databases.
func TestTheMeasurementsRun(t *testing.T) {
	for name, database := range map[string]string{"sqlite": "", "postgresql": testserver.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			report, err := Run(t.Context(), Options{Dir: t.TempDir(), Database: database, Cases: 20, Only: []string{"storm"}, Note: t.Logf})
			if err != nil || report.Storm.Steps != 500 || report.Storm.Ratio <= 0 || report.Storm.Entries < 1000 {
				t.Errorf("%+v, %v", report.Storm, err)
			}
		})
	}
}

func TestAStartIsMeasured(t *testing.T) {
	for name, database := range map[string]string{"sqlite": "", "postgresql": testserver.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			report, err := Run(t.Context(), Options{Dir: t.TempDir(), Database: database, Cases: 50, Only: []string{"start"}, Note: t.Logf})
			if err != nil || report.Start.Closed != 50 || report.Start.Took <= 0 || report.Start.Bytes == 0 {
				t.Errorf("%+v, %v", report.Start, err)
			}
		})
	}
}

func BenchmarkStorm(b *testing.B) {
	for b.Loop() {
		s, err := RunStorm(b.Context(), Options{Dir: b.TempDir(), Cases: 400, Note: b.Logf})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(s.PerSecond, "steps/s")
		b.ReportMetric(s.Ratio, "of-bound")
	}
}
