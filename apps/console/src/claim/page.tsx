import { useState } from 'react';
import layout from '../look/layout.module.css';
import { claimText } from '../text/index.ts';
import { ByChallenge } from './challenge.tsx';
import classes from './claim.module.css';
import { Images } from './images.tsx';
import { ByToken } from './join.tsx';

/** Ways in which a device comes to its owner. */
export function ClaimPage() {
  const [token, setToken] = useState('');
  return (
    <>
      <div className={layout.heading}>
        <h1>{claimText.title}</h1>
      </div>
      <div className={classes.columns}>
        <section className={layout.card}>
          <h2>{claimText.challengeTitle}</h2>
          <p className={layout.hint}>{claimText.challengeHint}</p>
          <ByChallenge />
        </section>
        <section className={layout.card}>
          <h2>{claimText.joinTitle}</h2>
          <p className={layout.hint}>{claimText.joinHint}</p>
          <ByToken onMade={setToken} />
        </section>
        <section className={`${layout.card} ${classes.wide}`}>
          <h2>{claimText.imageTitle}</h2>
          <Images token={token} />
        </section>
      </div>
    </>
  );
}
