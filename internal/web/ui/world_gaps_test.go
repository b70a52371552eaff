package ui

import (
	"github.com/exeunt/exeunt/internal/inventory"
)

func (w *world) Sheets() []inventory.Sheet {
	return []inventory.Sheet{
		{Source: inventory.Finance, From: "spend.csv", Found: []inventory.Line{
			{Name: "BRD SNG LTD", Spend: 1240.5, Currency: "EUR", People: 12},
			{Name: "Microsoft Ireland Operations", Maybe: []string{"entra-id"}, Because: "the same name, which is its vendor"},
		}},
		{Source: inventory.SignOn, Found: []inventory.Line{
			{Name: "Snowflake", Is: "snowflake", Mode: "SAML_2_0", SignsIn: "${source.email}"},
			{Name: "Datadog", People: 84, Mode: "SAML_2_0"},
		}},
	}
}

func (w *world) Gaps() []inventory.Gap {
	var items []inventory.Item
	for _, s := range w.systems {
		items = append(items, inventory.Item{System: s})
	}
	return inventory.Gaps(items, w.Sheets())
}
