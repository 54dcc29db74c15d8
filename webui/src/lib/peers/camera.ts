// Reads QR codes from the camera, where the browser can do it by itself.

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

const EVERY_MS = 150;
const LONGEST_ADDRESS = 300;

const detector = (): DetectorClass | undefined =>
  (globalThis as unknown as { BarcodeDetector?: DetectorClass }).BarcodeDetector;

/** Whether there is a camera, and a browser that reads QR codes. */
export async function canScan(): Promise<boolean> {
  const Maker = detector();
  if (!Maker || !navigator.mediaDevices) return false;
  try {
    const [formats, devices] = await Promise.all([
      Maker.getSupportedFormats(),
      navigator.mediaDevices.enumerateDevices(),
    ]);
    return formats.includes("qr_code") && devices.some((device) => device.kind === "videoinput");
  } catch {
    return false;
  }
}

/** Shows the camera in `video` until a code is read. Rejects where the camera is refused or busy. */
export async function scan(video: HTMLVideoElement, signal: AbortSignal): Promise<string> {
  const Maker = detector();
  if (!Maker) throw new Error("This browser reads no QR codes.");
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  try {
    signal.throwIfAborted();
    video.srcObject = stream;
    await video.play();
    const reader = new Maker({ formats: ["qr_code"] });
    for (;;) {
      signal.throwIfAborted();
      const text = (await reader.detect(video))[0]?.rawValue.trim();
      if (text) return text.slice(0, LONGEST_ADDRESS);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}
