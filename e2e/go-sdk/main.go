// A program that uses the published Go SDK of Infisical, unmodified, against the server in SITE_URL. It prints what the
// SDK handed it as one JSON document; e2e/go-sdk.test.ts starts it and judges.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	infisical "github.com/infisical/go-sdk"
)

type observation map[string]any

func main() {
	seen := observation{}
	if err := run(seen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		os.Exit(1)
	}
}

func run(seen observation) error {
	client := infisical.NewInfisicalClient(context.Background(), infisical.Config{
		SiteUrl:          os.Getenv("SITE_URL"),
		AutoTokenRefresh: infisical.BoolPtr(true),
		SilentMode:       true,
	})
	login, err := client.Auth().UniversalAuthLogin(os.Getenv("CLIENT_ID"), os.Getenv("CLIENT_SECRET"))
	if err != nil {
		return err
	}
	seen["login"] = login
	project, slug := os.Getenv("PROJECT_ID"), os.Getenv("PROJECT_SLUG")
	for _, step := range []func(infisical.InfisicalClientInterface, string, string, observation) error{
		folders, secrets, lists, refusals, renewal,
	} {
		if err := step(client, project, slug, seen); err != nil {
			return err
		}
	}
	return nil
}

func folders(client infisical.InfisicalClientInterface, project, _ string, seen observation) error {
	made, err := client.Folders().Create(infisical.CreateFolderOptions{
		ProjectID: project, Environment: "prod", Name: "draft", Path: "/",
	})
	if err != nil {
		return err
	}
	renamed, err := client.Folders().Update(infisical.UpdateFolderOptions{
		ProjectID: project, Environment: "prod", FolderID: made.ID, NewName: "api", Path: "/",
	})
	if err != nil {
		return err
	}
	gone, err := client.Folders().Create(infisical.CreateFolderOptions{
		ProjectID: project, Environment: "prod", Name: "gone", Path: "/",
	})
	if err != nil {
		return err
	}
	if _, err := client.Folders().Delete(infisical.DeleteFolderOptions{
		ProjectID: project, Environment: "prod", FolderName: gone.Name, Path: "/",
	}); err != nil {
		return err
	}
	listed, err := client.Folders().List(infisical.ListFoldersOptions{
		ProjectID: project, Environment: "prod", Path: "/",
	})
	seen["folders"] = observation{"made": made, "renamed": renamed, "listed": listed}
	return err
}

func secrets(client infisical.InfisicalClientInterface, project, slug string, seen observation) error {
	created, err := client.Secrets().Create(infisical.CreateSecretOptions{
		ProjectID: project, Environment: "prod", SecretPath: "/api",
		SecretKey: "WITH SPACE + PLUS", SecretValue: "", SecretComment: "odd",
	})
	if err != nil {
		return err
	}
	updated, err := client.Secrets().Update(infisical.UpdateSecretOptions{
		ProjectID: project, Environment: "prod", SecretPath: "/api",
		SecretKey: "WITH SPACE + PLUS", NewSecretValue: "line 1\nline 2\n",
	})
	if err != nil {
		return err
	}
	batch, err := client.Secrets().Batch().Create(infisical.BatchCreateSecretsOptions{
		ProjectID: project, Environment: "prod", SecretPath: "/api",
		Secrets: []infisical.BatchCreateSecret{
			{SecretKey: "HOST", SecretValue: "db.internal"},
			{SecretKey: "URL", SecretValue: "postgres://${HOST}/x",
				SecretMetadata: []infisical.SecretMetadata{{Key: "owner", Value: "payments"}}},
		},
	})
	if err != nil {
		return err
	}
	retrieved, err := client.Secrets().Retrieve(infisical.RetrieveSecretOptions{
		ProjectSlug: slug, Environment: "prod", SecretPath: "/api", SecretKey: "URL",
		Type: "shared", IncludeImports: true, ExpandSecretReferences: true,
	})
	if err != nil {
		return err
	}
	deleted, err := client.Secrets().Delete(infisical.DeleteSecretOptions{
		ProjectID: project, Environment: "prod", SecretPath: "/api", SecretKey: "WITH SPACE + PLUS",
	})
	seen["secrets"] = observation{
		"created": created, "updated": updated, "batch": batch, "retrieved": retrieved, "deleted": deleted,
	}
	return err
}

func lists(client infisical.InfisicalClientInterface, project, slug string, seen observation) error {
	options := infisical.ListSecretsOptions{
		ProjectSlug: slug, Environment: "prod", SecretPath: "/importing",
		ExpandSecretReferences: true, IncludeImports: true,
	}
	listed, err := client.Secrets().ListSecrets(options)
	if err != nil {
		return err
	}
	options.IfNoneMatch = listed.ETag
	_, err = client.Secrets().ListSecrets(options)
	var notModified *infisical.NotModifiedError
	unchanged := errors.As(err, &notModified)
	recursive, err := client.Secrets().List(infisical.ListSecretsOptions{
		ProjectID: project, Environment: "prod", SecretPath: "/", Recursive: true,
	})
	seen["lists"] = observation{"listed": listed, "unchanged": unchanged, "recursive": recursive}
	return err
}

func refusals(client infisical.InfisicalClientInterface, project, _ string, seen observation) error {
	reported := func(err error) observation {
		var refusal *infisical.APIError
		if !errors.As(err, &refusal) {
			return observation{"other": fmt.Sprint(err)}
		}
		return observation{
			"status": refusal.StatusCode, "message": refusal.ErrorMessage, "reqId": refusal.ReqId,
		}
	}
	_, missing := client.Secrets().Retrieve(infisical.RetrieveSecretOptions{
		ProjectID: project, Environment: "prod", SecretPath: "/", SecretKey: "NOPE",
	})
	_, taken := client.Secrets().Create(infisical.CreateSecretOptions{
		ProjectID: project, Environment: "prod", SecretPath: "/api", SecretKey: "HOST", SecretValue: "x",
	})
	_, wrongEnvironment := client.Secrets().List(infisical.ListSecretsOptions{
		ProjectID: project, Environment: "nowhere", SecretPath: "/",
	})
	_, outOfScope := client.DynamicSecrets().List(infisical.ListDynamicSecretsRootCredentialsOptions{
		ProjectSlug: "any", EnvironmentSlug: "prod", SecretPath: "/",
	})
	_, badLogin := infisical.NewInfisicalClient(context.Background(), infisical.Config{
		SiteUrl: os.Getenv("SITE_URL") + "/", SilentMode: true,
	}).Auth().UniversalAuthLogin(os.Getenv("CLIENT_ID"), "0000000000000000")
	seen["refusals"] = observation{
		"missing": reported(missing), "taken": reported(taken), "badLogin": reported(badLogin),
		"wrongEnvironment": reported(wrongEnvironment), "outOfScope": reported(outOfScope),
	}
	return nil
}

// The token lives six seconds; the SDK renews it by itself five seconds before its end, and when its total
// lifetime does not suffice for that it logs in again.
func renewal(client infisical.InfisicalClientInterface, project, _ string, seen observation) error {
	before := client.Auth().GetAccessToken()
	tokens := map[string]bool{before: true}
	for round := 0; round < 12; round++ {
		time.Sleep(time.Second)
		if _, err := client.Secrets().List(infisical.ListSecretsOptions{
			ProjectID: project, Environment: "prod", SecretPath: "/",
		}); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		tokens[client.Auth().GetAccessToken()] = true
	}
	err := client.Auth().RevokeAccessToken()
	seen["renewal"] = observation{"tokens": len(tokens), "revoked": err == nil}
	return err
}
