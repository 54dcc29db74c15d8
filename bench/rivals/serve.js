// Runs bittorrent-tracker: `node serve.js PORT`. Its own command also loads a WebRTC client, which
// needs a compiled module and has no part in serving.
import Server from 'bittorrent-tracker/server'

const server = new Server()
server.on('error', (error) => { throw error })
server.listen(Number(process.argv[2]), { http: '127.0.0.1', udp: '127.0.0.1', udp6: '::1' })
