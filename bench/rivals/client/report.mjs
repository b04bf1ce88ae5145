// The figures of a run, named as `chatchit-loadgen rooms --json` names them.

// By nearest rank, in milliseconds.
export function quantiles(times) {
  const sorted = Float64Array.from(times).sort();
  const rank = (permille) => sorted[Math.max(Math.ceil((sorted.length * permille) / 1000), 1) - 1] ?? 0;
  const [p50, p95, p99, p999, max] = [500, 950, 990, 999, 1000].map(rank);
  return { count: sorted.length, p50, p95, p99, p999, max };
}

// A message counts if its last delivery is within the measured time, a latency if the message was sent within it.
export function report(board, begun, ended, scenario) {
  const within = (time) => time >= begun && time < ended.at;
  const seconds = (ended.at - begun) / 1000;
  const complete = board.messages.filter(
    ({ delivered }) => delivered.length === board.room && within(delivered[delivered.length - 1]),
  );
  const deliveries = board.messages.reduce((sum, { delivered }) => sum + delivered.filter(within).length, 0);
  const timed = board.messages.filter(({ sent }) => within(sent));
  const client = (ended.cpu.user + ended.cpu.system) / 1e6;
  const verdict = {
    lost: board.messages.filter(({ delivered }) => delivered.length < board.room).length,
    doubled: board.doubled,
    unacknowledged: board.unacknowledged,
    faults: board.faults,
  };
  const run = {
    messagesPerSecond: complete.length / seconds,
    deliveriesPerSecond: deliveries / seconds,
    sendToAck: quantiles(timed.filter((one) => one.acknowledged > 0).map((one) => one.acknowledged - one.sent)),
    sendToDelivered: quantiles(timed.flatMap(({ sent, delivered }) => delivered.map((time) => time - sent))),
    // From when it was due: a client that is late hides nothing.
    dueToDelivered: quantiles(timed.flatMap(({ due, delivered }) => delivered.map((time) => time - due))),
    cpuSecondsPer1000: { client: complete.length === 0 ? 0 : (client * 1000) / complete.length },
    sent: board.messages.length,
    verdict,
  };
  const clean = verdict.lost + verdict.doubled + verdict.unacknowledged + verdict.faults.length === 0;
  return { scenario, runs: [run], clean };
}
