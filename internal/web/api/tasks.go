package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// TaskList is a list of tasks, the nearest deadline first.
type TaskList struct {
	Schema string          `json:"schema"`
	Tasks  []store.TaskRow `json:"tasks"`
}

// TaskPath names a task as people do.
type TaskPath struct {
	ID string `path:"id" doc:"T-311 or 311"`
}

func (p TaskPath) do(what func(exeunt.TaskID) error) (*nothing, error) {
	id, err := exeunt.ParseTaskID(p.ID)
	if err == nil {
		err = what(id)
	}
	return done(err)
}

func (a routes) tasks(spec huma.API) {
	huma.Get(spec, "/api/v1/tasks", a.listTasks, summary("List tasks", "Tasks"))
	huma.Get(spec, "/api/v1/tasks/{id}", a.showTask, summary("Show a task", "Tasks"))
	huma.Post(spec, "/api/v1/tasks/{id}/complete", a.completeTask, summary("Complete a task", "Tasks"), status(http.StatusNoContent))
	huma.Post(spec, "/api/v1/tasks/{id}/reassign", a.reassignTask, summary("Hand a task to somebody else", "Tasks"), status(http.StatusNoContent))
	huma.Post(spec, "/api/v1/tasks/{id}/remind", a.remindTask, summary("Remind the owner of a task", "Tasks"), status(http.StatusNoContent))
}

func (a routes) listTasks(ctx context.Context, in *struct {
	State  string `query:"state" enum:"done,withdrawn,waiting,all" doc:"Open ones when left out"`
	Owner  string `query:"owner" doc:"E-mail address"`
	Case   string `query:"case"`
	System string `query:"system"`
}) (*answer[TaskList], error) {
	q := store.TaskQuery{State: in.State, Owner: in.Owner, System: in.System}
	if in.Case != "" {
		id, err := exeunt.ParseCaseID(in.Case)
		if err != nil {
			return nil, problem(err)
		}
		q.Case = id
	}
	rows, err := a.Reader(viewer(ctx)).Tasks(ctx, q, time.Now())
	if err != nil {
		return nil, problem(err)
	}
	return &answer[TaskList]{TaskList{"tasks/v1", rows}}, nil
}

func (a routes) showTask(ctx context.Context, in *TaskPath) (*answer[store.TaskRow], error) {
	id, err := exeunt.ParseTaskID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	row, err := a.Reader(viewer(ctx)).Task(ctx, id)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[store.TaskRow]{row}, nil
}

func (a routes) completeTask(ctx context.Context, in *struct {
	TaskPath
	Body struct {
		Note string `json:"note,omitempty" maxLength:"4000" doc:"For the record; keep what is longer elsewhere, and say here where"`
		Done []int  `json:"done,omitempty" doc:"Indexes of the checklist that are done, from 0; all of them when left out"`
	}
}) (*nothing, error) {
	return in.do(func(id exeunt.TaskID) error {
		ticked := in.Body.Done
		if ticked == nil {
			row, err := a.Reader(viewer(ctx)).Task(ctx, id)
			if err != nil {
				return err
			}
			for i := range row.Checklist {
				ticked = append(ticked, i)
			}
		}
		return a.Commands(viewer(ctx)).CompleteTask(ctx, id, ticked, in.Body.Note, caller(ctx))
	})
}

func (a routes) reassignTask(ctx context.Context, in *struct {
	TaskPath
	Body struct {
		Name   string `json:"name,omitempty"`
		Email  string `json:"email" format:"email"`
		Reason string `json:"reason,omitempty" maxLength:"4000"`
	}
}) (*nothing, error) {
	return in.do(func(id exeunt.TaskID) error {
		return a.Commands(viewer(ctx)).ReassignTask(ctx, id, exeunt.Person{Name: in.Body.Name, Email: in.Body.Email}, override(ctx, in.Body.Reason))
	})
}

func (a routes) remindTask(ctx context.Context, in *TaskPath) (*nothing, error) {
	return in.do(func(id exeunt.TaskID) error { return a.Commands(viewer(ctx)).RemindTask(ctx, id, caller(ctx)) })
}
