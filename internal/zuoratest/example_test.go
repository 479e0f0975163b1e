package zuoratest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func ExampleServer() {
	s := zuoratest.NewServer()
	defer s.Close()
	s.SetSampleJob()

	resp, err := http.PostForm(s.URL+"/oauth/token", url.Values{
		"client_id":     {zuoratest.ClientID},
		"client_secret": {zuoratest.ClientSecret},
		"grant_type":    {"client_credentials"},
	})
	if err != nil {
		panic(err)
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&token)
	resp.Body.Close()
	if err != nil {
		panic(err)
	}

	read := func() {
		req, err := http.NewRequest(http.MethodGet, s.URL+"/v1/multi-organizations/data-labeling-job/"+zuoratest.SampleJobID, nil)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.AccessToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			panic(err)
		}
		fmt.Println(resp.StatusCode, string(body))
	}
	read()
	s.SetFault(zuoratest.SampleJobID, zuoratest.Respond(503, "text/plain", "down for maintenance"))
	read()
	fmt.Println(s.Counters().JobRequests, "requests")
	// Output:
	// 200 {"jobId":"ff80808186b966950186b97922e200ab","jobStatus":"Completed","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}
	// 503 down for maintenance
	// 2 requests
}
