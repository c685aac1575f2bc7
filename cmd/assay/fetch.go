package main

import (
	"os"

	"github.com/assay-os/assay/build/source"
)

// fetchOptions are what sources may use of this process' environment: the
// variables by which osbuild's sources are told of a proxy and of a client's
// certificate.
func fetchOptions(jobs int) source.Options {
	return source.Options{
		Parallel: jobs,
		Proxy:    os.Getenv("OSBUILD_SOURCES_CURL_PROXY"),
		ClientTLS: source.ClientTLS{
			Cert: os.Getenv("OSBUILD_SOURCES_CURL_SSL_CLIENT_CERT"),
			Key:  os.Getenv("OSBUILD_SOURCES_CURL_SSL_CLIENT_KEY"),
			CA:   os.Getenv("OSBUILD_SOURCES_CURL_SSL_CA_CERT"),
		},
	}
}
