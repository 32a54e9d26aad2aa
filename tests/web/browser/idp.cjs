// A SAML identity provider: Auth0's own, with a page on which one chooses who one is.
"use strict";
const fs = require("node:fs");
const express = require("express");
const samlp = require("samlp");

const [port, cert, key, acs, wrongKey] = process.argv.slice(2);
const issuer = "urn:example:idp";
const app = express();
const sign = (file) => samlp.auth({
  issuer, cert: fs.readFileSync(cert), key: fs.readFileSync(file), recipient: acs, destination: acs,
  getPostURL: (audience, request, req, done) => done(null, acs),
  getUserFromRequest: (req) => ({
    id: req.query.as, displayName: req.query.as, name: { givenName: "L", familyName: "E" },
    emails: [{ value: req.query.as }],
  }),
});
app.get("/metadata", samlp.metadata({ issuer, cert: fs.readFileSync(cert), redirectEndpointPath: "/saml" }));
app.get("/saml", (req, res, next) => {
  if (req.query.as) return (req.query.forged ? sign(wrongKey) : sign(key))(req, res, next);
  const link = (as, more, word) =>
    `<p><a href="${req.url.replace(/&/g, "&amp;")}&amp;as=${as}${more}">${word}</a></p>`;
  res.send(link("lea@example.com", "", "lea") + link("eve@example.com", "", "eve")
    + link("lea@example.com", "&amp;forged=1", "forged"));
});
app.listen(Number(port), "127.0.0.1");
