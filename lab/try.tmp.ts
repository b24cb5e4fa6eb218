import { ContainerLab } from './src/containers/container-lab.ts';
const t0=performance.now(); const say=(x:string)=>console.log(((performance.now()-t0)/1000).toFixed(1), x);
const lab = await ContainerLab.start({ engine: process.argv[2] as 'docker' });
say('started');
console.log((await lab.engine.attempt(['images'])).stdout);
console.log((await lab.host.attempt(['sh','-c','hostname; df -h /etc /var /usr /run /var/lib/docker; ps ax | head -20; cat /etc/resolv.conf; ls /etc/mstunnel'])));
await lab.remove();
say('removed');
