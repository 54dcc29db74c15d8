// A peer of webtorrent or peerflix, as the laboratory wants it:
//   node peer.js webtorrent|peerflix TORRENT DIRECTORY PORT
// Says "ready", waits for a line on stdin, then seeds or fetches the torrent's file in DIRECTORY
// and serves it over HTTP on PORT of the loopback interface. Says "serving" with the path once it
// does, and "complete" when all of the file is there. Every further line is the number of a byte;
// it says "lacks NUMBER", or "has NUMBER".
import { readFileSync } from 'node:fs'
import { register } from 'node:module'
import { createInterface } from 'node:readline'

const [program, torrentFile, directory, port] = process.argv.slice(2)
const torrent = readFileSync(torrentFile)
let piecesOf = null // once it is known, gives { bitfield, pieceLength }
const say = (line) => { process.stdout.write(`${line}\n`) }

async function webtorrent () {
  // Its module for WebRTC must be compiled, and has no part in what goes over TCP.
  register('data:text/javascript,' + encodeURIComponent(`
    const none = 'data:text/javascript,export const RTCPeerConnection = undefined, ' +
      'RTCSessionDescription = undefined, RTCIceCandidate = undefined'
    export const resolve = (name, context, next) => name === 'webrtc-polyfill'
      ? { url: none, shortCircuit: true }
      : next(name, context)`))
  const { default: WebTorrent } = await import('webtorrent')
  const client = new WebTorrent({ dht: false, natUpnp: false, natPmp: false })
  client.on('error', (error) => { throw error })
  client.createServer().listen(Number(port), '127.0.0.1')
  return () => {
    client.add(torrent, { path: directory }, (added) => {
      piecesOf = () => added
      say(`serving ${added.files[0].streamURL}`)
      if (added.done) say('complete')
      else added.once('done', () => { say('complete') })
    })
  }
}

async function peerflix () {
  const { default: start } = await import('peerflix')
  return () => {
    const engine = start(torrent, { path: directory, port: Number(port), hostname: '127.0.0.1', dht: false })
    const look = () => {
      const { pieces } = engine.torrent
      if (pieces.every((_, index) => engine.bitfield.get(index))) {
        engine.removeListener('verify', look)
        say('complete')
      }
    }
    engine.on('ready', () => {
      piecesOf = () => ({ bitfield: engine.bitfield, pieceLength: engine.torrent.pieceLength })
      engine.on('verify', look)
      look()
    })
    engine.server.once('listening', () => { say('serving /0') })
  }
}

const begin = await { webtorrent, peerflix }[program]()
say('ready')
const lines = createInterface({ input: process.stdin })
lines.once('line', () => {
  lines.on('line', (line) => {
    const { bitfield, pieceLength } = piecesOf()
    say(`${bitfield.get(Math.floor(Number(line) / pieceLength)) ? 'has' : 'lacks'} ${line}`)
  })
  begin()
})
