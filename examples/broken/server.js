'use strict';

// Starts well, but says of itself that it is not healthy: its database is missing.
const http = require('http');

http.createServer((req, res) => {
  if (req.url === '/healthz') {
    console.error('health check: cannot reach the database at db.internal:5432');
    res.writeHead(500).end('database unreachable\n');
    return;
  }
  res.end('half alive\n');
}).listen(process.env.PORT || 8080, () => console.log('started'));
