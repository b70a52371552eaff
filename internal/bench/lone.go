package bench

type Lone struct{}
type Wave struct{}
