/**
 * A binary heap that knows where each of its items stands, so that one can also be taken out of the middle. Plain code.
 */

/** Something that can wait in a heap; in one at a time. */
export interface HeapItem {
  /** Its place, kept by the heap; -1 while it is in none. */
  place: number
}

export class MinHeap<Item extends HeapItem> {
  readonly #items: Array<Item> = []
  readonly #isBefore: (a: Item, b: Item) => boolean

  constructor(isBefore: (a: Item, b: Item) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#items.length
  }

  push(item: Item): void {
    this.#put(item, this.#items.length)
    this.#rise(item)
  }

  /** Takes the first item out. */
  pop(): Item | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Takes an item out, wherever it stands. */
  remove(item: Item): void {
    const { place } = item
    if (place < 0) return
    const last = this.#items.pop()
    item.place = -1
    if (last === undefined || last === item) return
    this.#put(last, place)
    this.#rise(last)
    this.#sink(last)
  }

  #put(item: Item, place: number): void {
    this.#items[place] = item
    item.place = place
  }

  #swap(a: Item, b: Item): void {
    const { place } = a
    this.#put(a, b.place)
    this.#put(b, place)
  }

  #rise(item: Item): void {
    while (item.place > 0) {
      const parent = this.#items[(item.place - 1) >> 1]
      if (parent === undefined || !this.#isBefore(item, parent)) return
      this.#swap(item, parent)
    }
  }

  #sink(item: Item): void {
    while (true) {
      const left = this.#items[2 * item.place + 1]
      const right = this.#items[2 * item.place + 2]
      const child = left !== undefined && right !== undefined && this.#isBefore(right, left) ? right : left
      if (child === undefined || !this.#isBefore(child, item)) return
      this.#swap(item, child)
    }
  }
}
