'use strict';

const http = require('http');

http.createServer((req, res) => {
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ service: 'api', path: req.url }));
}).listen(process.env.PORT || 4000, () => console.log('api is listening'));
