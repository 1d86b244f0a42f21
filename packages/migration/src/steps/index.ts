/**
 * Every kind of step by its tag.
 */
import type { StepKind, StepOf } from "../internal/StepRun.ts"
import type { Step } from "../MigrationPlan.ts"
import { awaitSilence } from "./awaitSilence.ts"
import { closeDoor } from "./closeDoor.ts"
import { copyStored } from "./copyStored.ts"
import { dropRepeats } from "./dropRepeats.ts"
import { makeTarget } from "./makeTarget.ts"
import { markSource } from "./markSource.ts"
import { moveConsumer } from "./moveConsumer.ts"
import { openTargets } from "./openTargets.ts"
import { switchPublishers } from "./switchPublishers.ts"
import { verifyCopies } from "./verifyCopies.ts"

const kinds: { readonly [Tag in Step["_tag"]]: StepKind<StepOf<Tag>> } = {
  MarkSource: markSource,
  MakeTarget: makeTarget,
  CopyStored: copyStored,
  VerifyCopies: verifyCopies,
  DropRepeats: dropRepeats,
  MoveConsumer: moveConsumer,
  OpenTargets: openTargets,
  SwitchPublishers: switchPublishers,
  AwaitSilence: awaitSilence,
  CloseDoor: closeDoor
}

/** The kind of a step; its functions take this step and no other. */
export const kindOf = <S extends Step>(step: S): StepKind<S> => kinds[step._tag] as unknown as StepKind<S>
