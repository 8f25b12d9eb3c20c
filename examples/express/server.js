'use strict';

const express = require('express');

const app = express();
const port = process.env.PORT || 3000;
const greeting = process.env.GREETING || 'Hello';

app.get('/', (req, res) => res.json({ message: `${greeting} from Express`, pid: process.pid }));
app.get('/healthz', (req, res) => res.send('ok'));

const server = app.listen(port, () => console.log(`listening on ${port}`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
