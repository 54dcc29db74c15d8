// The network as a picture on a canvas: force-graph lays it out and paints, this drives it.

import type ForceGraph from "force-graph";
import type { LinkObject, NodeObject } from "force-graph";
import { drawDot, drawLabel, type Palette } from "./draw";
import { fit, layoutKey, neighbours, type Dot, type Network } from "./network";

type Spot = Dot & NodeObject;
type Stroke = LinkObject<Spot>;
type Graph = ForceGraph<Spot, Stroke>;

export interface Events {
  /** What the pointer is over, in CSS pixels of the canvas. */
  point: (id: string | undefined) => void;
  select: (id: string | undefined) => void;
  /** Painted anew: what lies over the canvas has to follow. */
  painted: () => void;
}

// Names of all are shown while there is room for them.
const ALL_LABELS = 30;
const MARGIN = 48;
const CLOSEST = 1.6;
const ZOOM_MS = 200;
const TICKS = 220;
// Time for force-graph to repaint after a change, before its loop is stopped again.
const LINGER_MS = 300;

export class Picture {
  private readonly spots = new Map<string, Spot>();
  private known = new Map<string, Set<string>>();
  private layout = "";
  private dots = "";
  private pointed: string | undefined;
  private selected: string | undefined;
  /** The user has moved or zoomed: from then on the view is theirs. */
  private moved = false;
  private inside = false;
  private visible = true;
  private settled = false;
  private sleep: ReturnType<typeof setTimeout> | undefined;

  private constructor(
    private readonly graph: Graph,
    private palette: Palette,
    private readonly still: boolean,
    private readonly events: Events,
  ) {}

  static async open(element: HTMLElement, palette: Palette, still: boolean, events: Events): Promise<Picture> {
    const { default: Maker } = await import("force-graph");
    const graph = new Maker<Spot, Stroke>(element);
    const picture = new Picture(graph, palette, still, events);
    picture.configure();
    picture.listen(element);
    return picture;
  }

  private configure(): void {
    this.graph
      // The library would show these as HTML; names from the network must stay text.
      .nodeLabel(() => "")
      .linkLabel(() => "")
      .backgroundColor("transparent")
      .minZoom(0.05)
      .maxZoom(6)
      .d3AlphaDecay(0.028)
      .d3VelocityDecay(0.35)
      .cooldownTicks(this.still ? 0 : TICKS)
      .nodeCanvasObject((spot, context, scale) => this.draw(spot, context, scale))
      .nodePointerAreaPaint((spot, colour, context, scale) => {
        context.fillStyle = colour;
        context.beginPath();
        context.arc(spot.x ?? 0, spot.y ?? 0, spot.radius + 6 / scale, 0, 2 * Math.PI);
        context.fill();
      })
      .linkPointerAreaPaint(() => undefined)
      .linkColor((stroke) => (this.lit(stroke) ? this.palette.strong : this.palette.line))
      .linkWidth((stroke) => (this.lit(stroke) ? 2 : 1));
    this.forces();
  }

  private forces(): void {
    const { graph, spots } = this;
    graph.d3Force("charge")?.["strength"](-220).distanceMax(900);
    graph.d3Force("link")?.["distance"](70).strength(0.05);
    // In place of the centre force, which would fight with our fixed place in the middle: this one
    // also keeps those that nobody is linked with from drifting away.
    graph.d3Force("center", null);
    graph.d3Force("gravity", (alpha: number) => {
      // A wide picture is filled by a wide network.
      const aspect = Math.max(0.5, Math.min(3, graph.width() / Math.max(1, graph.height())));
      for (const spot of spots.values()) {
        spot.vx = (spot.vx ?? 0) - ((spot.x ?? 0) * 0.07 * alpha) / aspect;
        spot.vy = (spot.vy ?? 0) - (spot.y ?? 0) * 0.07 * alpha * aspect;
      }
    });
  }

  private listen(element: HTMLElement): void {
    this.graph
      .onNodeHover((spot) => this.events.point(spot?.id))
      .onNodeClick((spot) => this.events.select(spot.id))
      .onNodeDragEnd((spot) => {
        // We stay in the middle; the others go back to where the forces pull them.
        if (spot.kind === "self") Object.assign(spot, { fx: 0, fy: 0 });
        this.awake();
      })
      .onEngineTick(() => !this.moved && this.look(0))
      .onEngineStop(() => {
        this.settled = true;
        this.awake();
      })
      .onBackgroundClick(() => this.events.select(undefined))
      .onRenderFramePost((context, scale) => {
        this.drawLabels(context, scale);
        this.events.painted();
      })
      // The page scrolls with the wheel and with one finger; the picture takes Ctrl, or two.
      .enableZoomInteraction((event) => event.ctrlKey || event.metaKey)
      .enablePanInteraction(mayPan as unknown as boolean);
    element.addEventListener("pointerenter", () => this.hover(true));
    element.addEventListener("pointerleave", () => this.hover(false));
    element.addEventListener("pointerdown", () => this.awake());
    element.addEventListener("pointermove", (event) => {
      if (event.buttons) this.moved = true;
    });
    element.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) this.moved = true;
    });
  }

  private hover(inside: boolean): void {
    this.inside = inside;
    if (!inside) this.events.point(undefined);
    this.awake();
  }

  private lit(stroke: Stroke): boolean {
    const on = this.pointed ?? this.selected;
    return on !== undefined && (idOf(stroke.source) === on || idOf(stroke.target) === on);
  }

  private draw(spot: Spot, context: CanvasRenderingContext2D, scale: number): void {
    const on = this.pointed ?? this.selected;
    const near = on === undefined || spot.id === on || (this.known.get(on)?.has(spot.id) ?? false);
    const [pointed, selected] = [spot.id === this.pointed, spot.id === this.selected];
    drawDot(context, spot, { palette: this.palette, scale, pointed, selected, dim: !near });
  }

  /** After all dots, or those drawn later would cover the names of those before. */
  private drawLabels(context: CanvasRenderingContext2D, scale: number): void {
    const on = this.pointed ?? this.selected;
    for (const spot of this.spots.values()) {
      const near = on === undefined || spot.id === on || (this.known.get(on)?.has(spot.id) ?? false);
      if (spot.id === on || spot.kind === "self" || (near && this.spots.size <= ALL_LABELS)) {
        drawLabel(context, spot, this.palette, scale, spot.id === on || spot.kind === "self");
      }
    }
  }

  show(network: Network): void {
    // Asked at every event of the node, most of which change nothing here: then it goes on sleeping.
    const dots = JSON.stringify(network.dots);
    const layout = layoutKey(network);
    if (dots === this.dots && layout === this.layout) return;
    this.dots = dots;
    for (const dot of network.dots) {
      const spot = this.spots.get(dot.id);
      if (spot) Object.assign(spot, dot);
      else this.spots.set(dot.id, { ...dot });
    }
    // A new name or size needs no new layout: the picture must not shake at every event.
    if (layout !== this.layout) this.lay(network);
    this.layout = layout;
    this.awake();
  }

  private lay(network: Network): void {
    const first = this.layout === "";
    const ids = new Set(network.dots.map((dot) => dot.id));
    for (const id of [...this.spots.keys()]) if (!ids.has(id)) this.spots.delete(id);
    for (const spot of this.spots.values()) {
      if (spot.kind === "self") Object.assign(spot, { fx: 0, fy: 0 });
    }
    this.known = neighbours(network.lines);
    this.settled = this.still;
    // The first steps throw everything about; nobody needs to see that.
    this.graph.warmupTicks(this.still ? TICKS : first ? 60 : 0);
    this.graph.graphData({ nodes: [...this.spots.values()], links: network.lines.map((line) => ({ ...line })) });
    if (!this.moved) requestAnimationFrame(() => this.look(0));
  }

  paint(palette: Palette): void {
    this.palette = palette;
    this.repaint();
  }

  mark(pointed: string | undefined, selected: string | undefined): void {
    if (pointed === this.pointed && selected === this.selected) return;
    this.pointed = pointed;
    this.selected = selected;
    this.repaint();
  }

  resize(width: number, height: number): void {
    this.graph.width(width).height(height);
    if (!this.moved) this.look(0);
    this.awake();
  }

  /** Where a dot is, in CSS pixels of the canvas. */
  place(id: string): { x: number; y: number; radius: number } | undefined {
    const spot = this.spots.get(id);
    if (spot?.x === undefined || spot.y === undefined) return undefined;
    return { ...this.graph.graph2ScreenCoords(spot.x, spot.y), radius: spot.radius * this.graph.zoom() };
  }

  fit(): void {
    this.moved = false;
    this.look(this.still ? 0 : ZOOM_MS);
    this.awake();
  }

  zoomBy(factor: number): void {
    this.moved = true;
    this.graph.zoom(this.graph.zoom() * factor, this.still ? 0 : ZOOM_MS);
    this.awake();
  }

  private look(ms: number): void {
    const view = fit([...this.spots.values()], this.graph.width(), this.graph.height(), MARGIN, CLOSEST);
    this.graph.zoom(view.zoom, ms).centerAt(view.x, view.y, ms);
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    this.awake();
  }

  private repaint(): void {
    // force-graph repaints what it believes changed: an accessor set anew does that.
    this.graph.linkWidth(this.graph.linkWidth());
    this.awake();
  }

  /** Runs the loop for as long as there is something to move, to paint, or to point at. */
  private awake(): void {
    clearTimeout(this.sleep);
    if (!this.visible) {
      this.graph.pauseAnimation();
      return;
    }
    this.graph.resumeAnimation();
    if (this.settled && !this.inside) {
      this.sleep = setTimeout(() => this.graph.pauseAnimation(), LINGER_MS);
    }
  }

  close(): void {
    clearTimeout(this.sleep);
    this.graph._destructor();
  }
}

const idOf = (end: Stroke["source"]): unknown => (typeof end === "object" ? end.id : end);

// The library asks this at each event, whatever its types say.
const mayPan = (event: MouseEvent | TouchEvent): boolean => !("touches" in event) || event.touches.length > 1;
