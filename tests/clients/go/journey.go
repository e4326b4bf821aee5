// Register, upload, post, edit, follow, read the feed, comment and page, with the client that oapi-codegen generates.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log"
	"net/http"
	"os"
	"reflect"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"photomesh.invalid/journey/api"
)

var ctx = context.Background()

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func same(found any, wanted any) {
	if !reflect.DeepEqual(found, wanted) {
		log.Panicf("found %v instead of %v", found, wanted)
	}
}

func random() string {
	raw := make([]byte, 6)
	_, err := rand.Read(raw)
	check(err)
	return hex.EncodeToString(raw)
}

func clientOf(url string, token string) *api.ClientWithResponses {
	client, err := api.NewClientWithResponses(url, api.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		return nil
	}))
	check(err)
	return client
}

func register(url string, name string) (string, *api.ClientWithResponses) {
	username := name + "_" + random()
	answer, err := clientOf(url, "").RegisterAccountWithResponse(ctx, &api.RegisterAccountParams{}, api.AccountCreate{
		Username: username, Email: openapi_types.Email(username + "@example.com"), Password: "correct horse battery",
	})
	check(err)
	if answer.JSON201 == nil {
		log.Panicf("%s", answer.Body)
	}
	return answer.JSON201.User.Id, clientOf(url, answer.JSON201.AccessToken)
}

func put(url string, content []byte, headers map[string]string) string {
	request, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(content))
	check(err)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	check(err)
	check(response.Body.Close())
	same(response.StatusCode, 200)
	return response.Header.Get("ETag")
}

func upload(client *api.ClientWithResponses, file string) string {
	content, err := os.ReadFile(file)
	check(err)
	created, err := client.CreateUploadWithResponse(ctx, &api.CreateUploadParams{}, api.UploadCreate{
		Filename: "photo.jpg", SizeBytes: int64(len(content)), ContentType: "image/jpeg",
	})
	check(err)
	begun := created.JSON201
	var parts []api.SentPart
	if begun.Parts == nil {
		parts = append(parts, api.SentPart{PartNumber: 1, Etag: put(*begun.PresignedUrl, content, begun.Headers)})
	} else {
		for _, part := range *begun.Parts {
			start := (part.PartNumber - 1) * begun.PartSize
			etag := put(part.PresignedUrl, content[start:start+part.SizeBytes], begun.Headers)
			parts = append(parts, api.SentPart{PartNumber: part.PartNumber, Etag: etag})
		}
	}
	same(len(parts) > 1, len(content) > 5_000_000)
	done, err := client.CompleteUploadWithResponse(ctx, begun.Id, api.UploadComplete{Parts: &parts})
	check(err)
	return done.JSON201.PhotoId
}

func until[T any](attempt func() *T) *T {
	for range 150 {
		if found := attempt(); found != nil {
			return found
		}
		time.Sleep(200 * time.Millisecond)
	}
	log.Panic("gave up waiting")
	return nil
}

func photosOf(photos []api.PostPhoto) (ids []string, altTexts []string) {
	for _, photo := range photos {
		ids = append(ids, photo.Id)
		altTexts = append(altTexts, *photo.AltText)
	}
	return ids, altTexts
}

func main() {
	url, small, large := os.Args[1], os.Args[2], os.Args[3]
	adaID, ada := register(url, "ada")
	_, grace := register(url, "grace")

	photoIDs := []string{upload(ada, large), upload(ada, small)}
	for _, id := range photoIDs {
		photo := until(func() *api.Photo {
			answer, err := ada.GetPhotoWithResponse(ctx, id, &api.GetPhotoParams{})
			check(err)
			if answer.JSON200 != nil && answer.JSON200.Status == "ready" {
				return answer.JSON200
			}
			return nil
		})
		same(*photo.Metadata.TakenAt, "2026-11-21T10:09:08")
		same(time.Since(photo.CreatedAt) < time.Hour, true)
	}

	followed, err := grace.FollowWithResponse(ctx, adaID)
	check(err)
	same(followed.JSON200.Following, true)
	caption, key, latitude, longitude := "Two lakes #sunset", random(), 46.016, 9.257
	made, err := ada.CreatePostWithResponse(ctx, &api.CreatePostParams{IdempotencyKey: &key}, api.PostCreate{
		PhotoIds: photoIDs,
		Caption:  &caption,
		Place:    &api.PlaceInput{Name: "Lake Como", Latitude: &latitude, Longitude: &longitude},
		AltTexts: &[]api.AltText{{PhotoId: photoIDs[0], Text: "A lake"}},
	})
	check(err)
	post := made.JSON201

	edit := func(changes api.PostUpdate) *api.Post {
		answer, err := ada.EditPostWithResponse(ctx, post.Id, &api.EditPostParams{}, changes)
		check(err)
		return answer.JSON200
	}
	other := "Another lake"
	edited := edit(api.PostUpdate{AltTexts: &[]api.AltTextUpdate{{PhotoId: photoIDs[1], Text: &other}}})
	same(edited.Caption, caption)
	same(edited.Place.Name, "Lake Como")
	ids, altTexts := photosOf(edited.Photos)
	same(ids, photoIDs)
	same(altTexts, []string{"A lake", "Another lake"})
	caption = "Two lakes #dusk"
	edited = edit(api.PostUpdate{Caption: &caption})
	same(edited.Hashtags, []string{"dusk"})
	same(*edited.Place.Latitude, latitude)

	mode := api.GetFeedParamsModeChronological
	seen := until(func() *api.FeedPost {
		answer, err := grace.GetFeedWithResponse(ctx, &api.GetFeedParams{Mode: &mode})
		check(err)
		for _, item := range answer.JSON200.Items {
			if item.Id == post.Id {
				return &item
			}
		}
		return nil
	})
	ids, _ = photosOf(seen.Photos)
	same(ids, photoIDs)

	for _, text := range []string{"one", "two", "three"} {
		answer, err := grace.WriteCommentWithResponse(ctx, post.Id, &api.WriteCommentParams{}, api.CommentCreate{Text: text})
		check(err)
		same(answer.JSON201.Text, text)
	}
	var read []string
	limit := int64(2)
	params := api.ListCommentsParams{Limit: &limit}
	for {
		page, err := ada.ListCommentsWithResponse(ctx, post.Id, &params)
		check(err)
		for _, comment := range page.JSON200.Items {
			read = append(read, comment.Text)
		}
		params.Cursor = page.JSON200.NextCursor
		if params.Cursor == nil {
			break
		}
	}
	same(read, []string{"three", "two", "one"})

	missing, err := ada.GetPostWithResponse(ctx, "o_1", &api.GetPostParams{})
	check(err)
	same(missing.ApplicationproblemJSON404.Code, "post-not-found")
	fmt.Println("the journey is over")
}
